// Package merkle is the desk's log as somebody sees it who does not have it: the
// signed checkpoint, the proof that an object stands in it, the proof that a
// later checkpoint continues an earlier one; and the arithmetic that a desk keeps
// the tree with.
//
// It promises that a proof is believed only for this leaf, under a checkpoint
// that the key of the log signed under its own origin; and that what it writes is
// C2SP tlog-checkpoint and tlog-proof over an RFC 6962 tree, so that others read
// it. A leaf is the 32 raw bytes of an object's digest.
//
//	checkpoint.go  the checkpoint: sign, open
//	proof.go       inclusion and consistency: make, write, read, check
//	line.go        growth as one line of a header; two checkpoints beside one another
//	tree.go        the hashes that are stored, and what is made of them
package merkle
