package store

import (
	"errors"
	"fmt"

	"unbindd/agent/envelope"
	"unbindd/agent/merkle"
)

// The counters of the log: how many leaves it has, and for how many of them the
// tree's hashes are stored. They differ while an older desk's log is taken over, and
// for as long as a leaf of it cannot be read.
const (
	leaves = "log-leaves"
	hashed = "log-hashed"
)

// Size is how many leaves the log has.
func (t *Tx) Size() (int64, error) { return t.Counted(leaves) }

// Proven is how many leaves stand in the tree: all of them, or those before the first
// that cannot be read.
func (t *Tx) Proven() (int64, error) { return t.Counted(hashed) }

// append adds a leaf and the hashes it completes: a line of the log is never
// changed or removed, and Add refuses where two would have one number. Behind a leaf that
// cannot be read it only has its place.
func (t *Tx) append(leaf int64, d envelope.Digest) error {
	if err := add(t, inLeaves, number(leaf), d); err != nil {
		return err
	}
	at, err := t.Proven()
	if err == nil && at == leaf {
		err = t.hash(leaf, d)
	}
	return errors.Join(err, put(t, inCounters, leaves, leaf+1))
}

// leafName is a leaf as alarms name it.
func leafName(n int64) string { return fmt.Sprintf("leaf %d", n) }

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

// recount holds the newest leaves against the tree. A leaf that does not decode has its
// hash there still: the tree is whole, and the leaf is told.
func (s *Store) recount() error {
	spoilt := map[int64]error{}
	if err := s.Look(func(t *Tx) error { return t.recount(spoilt) }); err != nil || len(spoilt) == 0 {
		return err
	}
	return s.Change(func(t *Tx) (err error) {
		for n, why := range spoilt {
			err = errors.Join(err, t.PassOver("log", leafName(n), why, s.passed))
		}
		return err
	})
}

// recount recomputes the hashes that the newest leaves complete: a desk that knows
// nothing of the tree must not have written among them.
func (t *Tx) recount(spoilt map[int64]error) error {
	size, err := t.Size()
	if err != nil {
		return err
	}
	if _, err := t.Leaf(size); !absent(err) {
		return errors.Join(fmt.Errorf("cannot use the log: it has a leaf %d beyond its end", size), err)
	}
	end, err := t.Proven()
	for n := max(0, end-page); err == nil && n < end; n++ {
		if err = t.recomputed(n); Spoilt(err) {
			spoilt[n], err = err, nil
		}
	}
	return err
}

// recomputed holds one leaf against the tree; an error that is of its row alone is Spoilt.
func (t *Tx) recomputed(n int64) error {
	d, err := t.Leaf(n)
	if err != nil {
		return fmt.Errorf("cannot read leaf %d of the log: %w", n, err)
	}
	first, made, err := merkle.Append(n, d, t.Hashes)
	if err != nil {
		return fmt.Errorf("cannot read the log: %v", err)
	}
	for i, want := range made {
		got, err := t.Hashes([]int64{first + int64(i)})
		if err != nil {
			return fmt.Errorf("cannot read the log: %v", err)
		}
		if got[0] != want {
			return fmt.Errorf("cannot use the log: leaf %d is not the one that its tree was made over; an older desk has written here", n)
		}
	}
	return nil
}
