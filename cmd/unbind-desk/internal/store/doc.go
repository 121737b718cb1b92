// Package store is what a desk has durably, but for the sealed backups: records,
// the objects of a case, the log, the history.
//
// It promises that Change returns only after its writes are durable, all of them
// or none; that what Look sees is durable; that an object is never written over;
// that no two commands of one enrolment have one number; and that several desks
// may share it. It knows no rules: what may follow what is package desk's to say.
//
// Where the bytes lie is the base's matter: bbolt is in store/bolt, and
// storetest holds what every base must keep, with a second base in memory.
//
//	store.go    the base, its errors, Change and Look
//	record.go   the shapes of what is kept
//	table.go    tables, and records by key
//	quick.go    reading and writing those of every message; quickrecord.go which
//	terminal.go terminals, enrolments, bindings, clients, secrets
//	case.go     cases, found by their state too; history
//	object.go   the objects of a case
//	log.go      the Merkle log: leaves, hashes
//	trust.go    bundles, profiles
//	alarm.go    alarms
//	hook.go     what partners are still to be told
//	bound.go    what is counted to be bounded
//	wanted.go   manifests that wait for a ticket
//	setting.go  what every desk on the store goes by
//	upgrade.go  what an older desk left; sweep.go a page of it at a time
//	part.go     sealed files that come in pieces
//	session.go  who is let into the console
//	screen.go   records by the page, for who looks at a screenful
package store
