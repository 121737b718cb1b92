// Package desk holds the rules of a desk: who may enrol, which command is
// offered, what a terminal's word must say to be kept, and what the desk signs
// for.
//
// It promises that a receipt is signed only for what is durable, in the same
// transaction as the object it is for; that the same bytes under the same name
// get the same answer and other bytes are refused; that one terminal never sees
// another's things; and that every change of a case is in its history.
//
//	desk.go         Desk, commit, the trust in force
//	fault.go        refusals, and what kind of refusal they are
//	name.go         names that may stand in a path
//	caller.go       who asks: a terminal by its certificate, or the ticket signer
//	carried.go      who it is when a courier brings it
//	enrol.go        tickets out, bindings in
//	issue.go        a case and its unsigned command
//	follow.go       unsigned cancel, amend and close
//	collect.go      signatures on drafts, withdrawn drafts, versions, caps
//	campaign.go     many commands at once, all or none
//	publish.go      signed commands and bundles in
//	opens.go        whether this desk can open what a bundle has backups sealed for
//	profile.go      profiles in, those that are named out
//	second.go       a second person's words: the custodian's receipt, the validation
//	apart.go        who has validated signs nothing else in the case
//	publishmore.go  signed papers, cancel, amend and close in
//	orders.go       what is offered to a terminal, and the bell that wakes it
//	case.go         the states of a case and what may follow what
//	memo.go         what a case stands on, verified once
//	bounds.go       how much a terminal, a case and the desk may keep
//	underway.go     the room that files on their way were promised
//	keep.go         one object in: same bytes, other bytes, the log
//	answer.go       the terminal's answers move the case
//	log.go          checkpoints and proofs of the log
//	receipt.go      the desk's signature, stored with what it is for
//	manifest.go     what the terminal says about its backup
//	backup.go       the sealed file: received, opened, recounted, receipted
//	pieces.go       the same file in pieces, each durable before it is answered
//	certificate.go  the terminal's last signed word, receipted
//	ticket.go       what the ticket signer hands in
//	wanted.go       what it asks for: manifests whose ticket is due
//	acceptance.go   a successor's word
//	tombstone.go    the revealed preimage
//	steps.go        trust and profiles, for a courier
//	fetch.go        reading objects back
//	clock.go        signed time
//	inspect.go      cases as the operator sees them
//	announce.go     what partners are to be told
//	overdue.go      cases that wait too long; alarms
//	watch.go        alarms of those cases
//	settle.go       a person's word on an alarm
//	session.go      who is let into the console
//	screen.go       lists by the page, for who looks at a screenful
//	export.go       everything of a case, as named files
//	exportindex.go  the signed list of them
package desk
