// Package journal keeps on disk how far a command has got, what the terminal
// must never forget, and what it still has to send.
//
// It promises that status is on disk before the work it announces; that "done"
// and what the step kept are one transaction; that a step found "doing" at
// start-up is simply done again; that the point of no return is one
// transaction, which fails when a cancel was written before it; and that its
// space is reserved before anything is destroyed. It holds no secret in the
// clear, lives outside the ledger it outlives, and is the last file to go.
//
//	dbkeys.go   every name on disk, in one place; never renamed
//	open.go     the file, its lock and its reserve
//	store.go    where the names lie: bbolt, or what a test puts in its place
//	plan.go     Step, Plan, the errors a step steers with
//	carry.go    does the steps, in order, again after a cut
//	cross.go    the gate, and the one transaction that crosses
//	undo.go     goes back, and ends a run
//	note.go     what a step keeps and reads
//	run.go      the case that runs, or the last one
//	memory.go   consumed ids, sequence, challenge, time floor
//	refused.go  what was refused last, and which orders had their turn
//	damage.go   what is known to be wrong with the ledger; known.go how far it was
//	desklog.go  the newest checkpoint of the desk's log, and what does not fit it
//	outbox.go   what must be delivered, and was not yet acknowledged
package journal
