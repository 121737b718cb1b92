package store

import (
	"errors"
	"fmt"

	"unbindd/agent/envelope"
)

// upgrade takes over what an older desk left: a log that is a list of digests
// without a tree, tables under names that it would still write to, and cases that
// are found by their id alone. Each transaction does a page and says how far it
// got, so that a power cut only makes the next start go on. Then the newest leaves
// are held against the tree. Where a leaf cannot be read, the tree ends before it.
func (s *Store) upgrade() error {
	var there bool
	if err := s.Look(func(tx *Tx) (err error) { there, err = upgraded(tx); return err }); err != nil {
		return err
	}
	for _, step := range []func(*Tx) (bool, error){moveLog, moveTrust, moveBundles, moveVersions, countLeaves, s.hashLeaves} {
		for done := there; !done; {
			err := s.Change(func(tx *Tx) (err error) { done, err = step(tx); return err })
			if err != nil {
				return err
			}
		}
	}
	err := errors.Join(
		s.SweepCases(placed, func(t *Tx, c Case) error { return put(t, inStates, c.place(), c.ID) }, s.passed),
		s.SweepCases("cases-owned", func(t *Tx, c Case) error { return put(t, inOwners, c.owned(), c.ID) }, s.passed),
		sweep(s, "hooks-found", inHooks, func(t *Tx, h Hook) error { return put(t, inDue, h.due(), h.N) }, s.passed),
	)
	if err != nil {
		return err
	}
	return s.recount()
}

// upgraded says that log and trust are as this desk has them.
func upgraded(t *Tx) (bool, error) {
	size, err1 := get[int64](t, inCounters, leaves)
	tree, err2 := t.Proven()
	log, err3 := t.rows.List(olderLog, "", "", 1)
	trust, err4 := t.rows.List(olderTrust, "", "", 1)
	bundles, err5 := t.rows.List(olderBundles, "", "", 1)
	versions, err6 := t.rows.List(olderVersions, "", "", 1)
	err := errors.Join(err2, err3, err4, err5, err6)
	if absent(err1) {
		return false, err
	}
	return size == tree && len(log)+len(trust)+len(bundles)+len(versions) == 0, errors.Join(err1, err)
}

func moveLog(t *Tx) (bool, error)      { return t.move(olderLog, inLeaves) }
func moveTrust(t *Tx) (bool, error)    { return t.move(olderTrust, inTrust) }
func moveBundles(t *Tx) (bool, error)  { return t.move(olderBundles, inTrust) }
func moveVersions(t *Tx) (bool, error) { return t.move(olderVersions, inTrust) }

// move gives a page of rows to the table of another name. A row that is there
// already was written by an older desk since: it is not taken.
func (t *Tx) move(from, to Table) (bool, error) {
	rows, err := t.rows.List(from, "", "", page)
	for _, row := range rows {
		if err != nil {
			break
		}
		if err = t.rows.Add(to, row.Key, row.Value); err == nil {
			err = t.rows.Remove(from, row.Key)
		}
	}
	if err != nil {
		return false, fmt.Errorf("cannot take over the table %s: %w", from, err)
	}
	return len(rows) < page, nil
}

// countLeaves counts a log that was never counted, by the numbers of its leaves alone:
// one that does not decode, or is not there, has its place all the same.
func countLeaves(t *Tx) (bool, error) {
	if _, err := get[int64](t, inCounters, leaves); !absent(err) {
		return true, err
	}
	n, last := int64(0), ""
	for {
		rows, err := t.rows.List(inLeaves, "", last, page)
		if err != nil {
			return false, err
		}
		if len(rows) == 0 {
			return true, put(t, inCounters, leaves, n)
		}
		last = rows[len(rows)-1].Key
		n = numberAt(last) + 1
	}
}

// hashLeaves makes the tree over leaves that have none, up to the first that cannot be
// read: over it there is no tree, and what comes after has no place in one. It is told at
// every start, and where somebody has brought the leaf back, the tree goes on and the alarm
// is taken back.
func (s *Store) hashLeaves(t *Tx) (bool, error) {
	size, err := t.Size()
	if err != nil {
		return false, err
	}
	at, err := t.Proven()
	from := at
	for end := min(size, at+page); err == nil && at < end; at++ {
		var d envelope.Digest
		if d, err = t.Leaf(at); err == nil {
			err = t.hash(at, d)
		}
		if Spoilt(err) {
			return true, t.PassOver("log", leafName(at), err, s.passed)
		}
		if err == nil && at == from { // where it ended before
			err = t.takeBack(SpoiltRow, leafName(at))
		}
	}
	return at == size, err
}

// placed is the counter that says that every case is found by its state.
const placed = "cases-placed"
