// Package serve is the desk's doors: HTTPS for terminals and the ticket signer, a
// Unix socket for the operator, and a place for the console.
//
// It promises TLS 1.3 and a client certificate wherever a route needs one, a
// bound on every body and on every wait, one form of refusal ({code, message,
// next}) everywhere, and that ending the desk lets running requests end first.
// It decides nothing: what may be done is package desk's to say.
//
//	server.go    listeners, start and end
//	routes.go    every route of both doors, and what each may carry
//	head.go      what is refused at a request's head
//	limits.go    time, memory, connections
//	crowd.go     how many connections at once
//	moving.go    bodies that must move
//	terminal.go  what the routes of terminals do
//	upload.go    the sealed file, streamed
//	slots.go     how many at once, and who gives way; queue.go who is next
//	log.go       the log: checkpoints and proofs, with receipts and for everybody
//	pieces.go    the sealed file in pieces (tus 1.0)
//	mqtt.go      the same routes over a broker, and the doorbell
//	poll.go      orders: tag, long poll
//	operator.go  what the routes of the socket do
//	console.go   the place of the console, and links into it
//	lists.go     pages of cases, of what is overdue, of alarms; the caps
//	vitals.go    how busy this process is
//	carried.go   what a courier brings and takes along, both ends
//	trust.go     the versions of trust, for a courier
//	export.go    a case as a tar stream
//	client.go    the socket's other end, for the verbs; pages.go lists, a page after the other
//	refuse.go    refusals as HTTP; next.go what to do about the desk's own
//	request.go   reading requests: paths, numbers, headers, bodies; strict.go no two meanings
package serve
