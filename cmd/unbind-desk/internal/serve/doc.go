// Package serve is the desk's two doors: HTTPS for terminals and the ticket
// signer, a Unix socket for the operator.
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
//	crowd.go     how many connections at once, and bodies that must move
//	terminal.go  what the routes of terminals do
//	upload.go    the sealed file, streamed
//	slots.go     how many at once
//	log.go       the log: checkpoints and proofs, with receipts and for everybody
//	pieces.go    the sealed file in pieces (tus 1.0)
//	mqtt.go      the same routes over a broker, and the doorbell
//	poll.go      orders: tag, long poll
//	operator.go  what the routes of the socket do
//	export.go    a case as a tar stream
//	client.go    the socket's other end, for the verbs
//	refuse.go    refusals as HTTP
//	request.go   reading requests: paths, numbers, headers, bodies
package serve
