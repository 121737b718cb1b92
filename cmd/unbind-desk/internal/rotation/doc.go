// Package rotation drafts the next trust bundle, says what it changes, and refuses
// one that would lock everybody out, or have one person sign under two names.
//
// It promises that a draft which passes can be signed and followed: its roots can
// be reached, every rule can be met by people who are not revoked, the log has a key,
// and backups have somebody who can open them.
//
//	draft.go   the next version from the one in force
//	judge.go   what would lock everybody out
//	holders.go whose a key was before
//	closed.go  which profiles nobody can use under it until they are signed anew
//	differ.go  what changes between two versions, line by line
//	sign.go    one more root, and how far the signing has got
package rotation
