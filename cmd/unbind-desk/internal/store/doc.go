// Package store is what a desk has durably: one bbolt file for everything
// small, a folder of blobs for sealed backups.
//
// It promises that Change returns only after its writes are on disk, all of
// them or none; that changes of many requests share one commit; and that a blob
// has its name only once all of its bytes are durable. It knows no rules: what
// may follow what is package desk's to say.
//
//	store.go    open, one writer a directory, Change and Look
//	record.go   the shapes of what is kept
//	table.go    reading and writing records by key
//	object.go   the objects of a case, the log, the history
//	part.go     sealed backups that come in pieces
//	blob.go     sealed backups: write, fsync, rename, fsync of the directory
package store
