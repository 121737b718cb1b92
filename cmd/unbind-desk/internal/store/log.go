package store

import (
	"errors"
	"fmt"

	"unbindd/agent/envelope"
	"unbindd/agent/merkle"
)

// The counters of the log: how many leaves it has, and for how many of them the
// tree's hashes are stored. They differ only while an older desk's log is taken
// over.
const (
	leaves = "log-leaves"
	hashed = "log-hashed"
)

// Size is how many leaves the log has.
func (t *Tx) Size() (int64, error) { return t.Counted(leaves) }

// append adds a leaf and the hashes it completes: a line of the log is never
// changed or removed, and Add refuses where two would have one number.
func (t *Tx) append(leaf int64, d envelope.Digest) error {
	if err := add(t, inLeaves, number(leaf), d); err != nil {
		return err
	}
	return errors.Join(put(t, inCounters, leaves, leaf+1), t.hash(leaf, d))
}

// hash stores the hashes that a leaf completes.
func (t *Tx) hash(leaf int64, d envelope.Digest) error {
	first, made, err := merkle.Append(leaf, d, t.Hashes)
	if err != nil {
		return fmt.Errorf("cannot write the log: %w", err)
	}
	for i, h := range made {
		if err := t.rows.Add(inHashes, number(first+int64(i)), h[:]); err != nil {
			return fmt.Errorf("cannot write the log: %w", err)
		}
	}
	return put(t, inCounters, hashed, leaf+1)
}

// Leaf reads one leaf of the log.
func (t *Tx) Leaf(n int64) (envelope.Digest, error) {
	return get[envelope.Digest](t, inLeaves, number(n))
}

// Hashes reads stored hashes of the tree, by the numbers package merkle gives them.
func (t *Tx) Hashes(numbers []int64) ([]merkle.Hash, error) {
	out := make([]merkle.Hash, 0, len(numbers))
	for _, n := range numbers {
		raw, err := t.rows.Get(inHashes, number(n))
		if err == nil && len(raw) != len(merkle.Hash{}) {
			err = errors.New("a hash has the wrong length")
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read hash %d of the log: %w", n, err)
		}
		out = append(out, merkle.Hash(raw))
	}
	return out, nil
}

// recount recomputes the hashes that the newest leaves complete: a desk that knows
// nothing of the tree must not have written among them.
func (t *Tx) recount() error {
	size, err := t.Size()
	if err != nil {
		return err
	}
	if _, err := t.Leaf(size); !absent(err) {
		return errors.Join(fmt.Errorf("cannot use the log: it has a leaf %d beyond its end", size), err)
	}
	for n := max(0, size-page); n < size; n++ {
		d, err := t.Leaf(n)
		if err != nil {
			return fmt.Errorf("cannot read leaf %d of the log: %w", n, err)
		}
		first, made, err := merkle.Append(n, d, t.Hashes)
		if err != nil {
			return fmt.Errorf("cannot read the log: %w", err)
		}
		for i, want := range made {
			got, err := t.Hashes([]int64{first + int64(i)})
			if err != nil {
				return err
			}
			if got[0] != want {
				return fmt.Errorf("cannot use the log: leaf %d is not the one that its tree was made over; an older desk has written here", n)
			}
		}
	}
	return nil
}
