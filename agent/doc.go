// Package agent is the terminal's life: it trades until a command is accepted,
// obeys it, and trades again unless that unbound it. It is the only package
// that knows everybody.
//
// It promises that a transaction is acknowledged only when it is on disk; that
// nothing is erased before the gate of the point of no return holds; that what
// the certificate says was done; and that coming back from a power cut is the
// normal start.
//
//	agent.go          Agent, Parts, Run: trade <-> obey
//	config.go         the settings of the daemon itself
//	places.go         what lies where in the state directory
//	statelock.go      one process at a time has it
//	identity.go       who this terminal is and what it believes
//	enrol.go          becoming bound
//	trade.go          reader -> ledger -> acknowledged
//	ledgerwatch.go    the whole ledger read beside the trade, and what is known of it
//	ledgerknown.go    how far it was once, kept outside it
//	ledgerbeside.go   where events go while it is lost and nothing is to be saved
//	commands.go       envelope -> verified command -> journal
//	bundle.go         whatever is handed in: bundles, receipts, tickets, follow-ups
//	truststeps.go     trust on the move, and what a running case keeps of the one before
//	trustrefused.go   and the steps that do not hold
//	refuse.go         refusals, and the signed answers to them
//	lastrefused.go    the last one, which outlives the process
//	unbind.go         the plan: the list of steps, on one screen
//	steps_prepare.go  check-papers ... drain          (reversible)
//	steps_backup.go   seal-backup, await-successor    (reversible)
//	gate.go           the checks before the point of no return
//	steps_erase.go    keys, data, software, verify
//	targets.go        what of the host is erased
//	outside.go        what no folder of the settings holds, told in time
//	copies.go         what was there before and what is left, and what no path leads to
//	depth.go          how far below the files an erase may reach
//	conversation.go   all that is said to a reader
//	reader_erase.go   erase-reader-keys: one commit, and the outcome by name
//	reader_inspect.go reader_delete.go  what it held before; erased without a ticket
//	reader_look.go    list, probe, counter, restart: never believe it
//	reader_report.go  what is on the line, for a person
//	courier.go        the courier's medium: looked after, and one way among others
//	steps_deliver.go  deliver-backup: until the receipt is there
//	steps_ticket.go   and the reader's ticket
//	authority.go      what allows the point of no return: a receipt, or who signed for its absence
//	steps_report.go   sign-certificate, deliver-certificate
//	lastword.go       whether a case may end: receipted, closed, or once more to the reader
//	steps_end.go      erase-identity: tombstone before keys, keys before trust
//	steps_tombstone.go  the tombstone, and the journal's own end
//	belief.go         what receipts are checked against, before and after the identity goes
//	casefile.go       the running case, read from the journal and verified again
//	statement.go      what the certificate says, from what the journal kept
//	links.go          the link that the settings name, the broker's bell
//	password.go       the file with the broker's password, and its end
//	upstream.go       polling, signed time; seen.go when an answer need not come again
//	outbox.go         what must reach the desk, until it has signed for it
//	desklog.go        what comes beside a receipt of the desk's log; desklog_judge.go what it is worth
//	refusals.go       what a refusal is worth that nobody signs
//	clock.go          what is known of the time; untimed.go commands that wait for it
//	power.go          battery and mains
//	serve.go          the local API on a Unix socket
//	show.go           status and dry run, in the words of the local API
//	explain_left.go   the dry run behind the line, and of an open batch
//	complaint.go      what goes wrong at every turn, told when it changes
//	hub.go            events for whoever watches
package agent
