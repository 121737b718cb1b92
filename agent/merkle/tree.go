package merkle

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"unbindd/agent/envelope"
)

// Hash is a hash of the tree.
type Hash = tlog.Hash

// Hashes reads stored hashes by their numbers.
type Hashes = func(numbers []int64) ([]Hash, error)

// LeafHash is the hash of the leaf that stands for an object.
func LeafHash(d envelope.Digest) (Hash, error) {
	raw, err := d.Raw()
	if err != nil {
		return Hash{}, err
	}
	return tlog.RecordHash(raw[:]), nil
}

// Append returns the hashes to store for leaf n, the next one, and the number of
// the first; the others follow it.
func Append(n int64, d envelope.Digest, read Hashes) (first int64, made []Hash, err error) {
	leaf, err := LeafHash(d)
	if err != nil {
		return 0, nil, err
	}
	made, err = tlog.StoredHashesForRecordHash(n, leaf, tlog.HashReaderFunc(read))
	return tlog.StoredHashIndex(0, n), made, err
}

// Root is the root of the tree of the first size leaves.
func Root(size int64, read Hashes) (Hash, error) {
	root, err := tlog.TreeHash(size, tlog.HashReaderFunc(read))
	if err != nil {
		return root, fmt.Errorf("cannot compute the log's root: %w", err)
	}
	return root, nil
}
