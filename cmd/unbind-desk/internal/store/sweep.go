package store

import (
	"errors"
	"fmt"
)

// sweepPage is how many rows of a sweep share a transaction.
const sweepPage = 1024

// sweep does something once with every row of a table that an older desk has
// filled, a page a transaction: a power cut makes the next start go on where this
// one ended, and memory does not grow with the table. What each does must bear to
// be done to a row that was written since. A row that does not decode ends it, unless
// garbled is there to be told of it.
func sweep[T any](s *Store, name string, table Table, each func(*Tx, T) error, garbled func(key string, err error)) error {
	var at int64
	for done := false; !done; {
		if err := s.Look(func(t *Tx) error {
			n, err := t.Counted(name)
			done = n > 0
			return err
		}); err != nil || done {
			return err
		}
		if err := s.Change(func(t *Tx) error {
			n, end, err := sweepOn(t, name, table, each, garbled)
			at, done = n, end
			return err
		}); err != nil {
			return fmt.Errorf("cannot take over %s: %w", name, err)
		}
		if at > 0 {
			s.told(name, at)
		}
	}
	return nil
}

// sweepOn does one page, and writes down how far it has come in the same transaction.
func sweepOn[T any](t *Tx, name string, table Table, each func(*Tx, T) error, garbled func(string, error)) (at int64, end bool, err error) {
	from, err := get[string](t, inSweeps, name)
	if err != nil && !absent(err) {
		return 0, false, err
	}
	rows, err := t.rows.List(table, "", from, sweepPage)
	if err != nil {
		return 0, false, err
	}
	for _, row := range rows {
		var v T
		switch err := read(table, row.Value, &v); {
		case err != nil && garbled != nil:
			garbled(row.Key, err)
			continue
		case err != nil:
			return 0, false, err
		}
		if err := each(t, v); err != nil {
			return 0, false, err
		}
	}
	if at, err = t.Counted(name + "-rows"); err != nil {
		return 0, false, err
	}
	at += int64(len(rows))
	err = put(t, inCounters, name+"-rows", at)
	if len(rows) < sweepPage {
		return at, true, errors.Join(err, put(t, inCounters, name, 1), t.rows.Remove(inSweeps, name))
	}
	return at, false, errors.Join(err, put(t, inSweeps, name, rows[len(rows)-1].Key))
}

// SweepCases does something once, under a name, with every case that is there.
func (s *Store) SweepCases(name string, each func(*Tx, Case) error) error {
	return sweep(s, name, inCases, each, nil)
}

// SweepReadable is SweepCases for what the desk can do without: it passes over a case
// that does not decode, and tells of it.
func (s *Store) SweepReadable(name string, each func(*Tx, Case) error, garbled func(id string, err error)) error {
	return sweep(s, name, inCases, each, garbled)
}
