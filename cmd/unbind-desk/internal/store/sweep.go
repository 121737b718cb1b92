package store

import (
	"errors"
	"fmt"
	"time"

	"unbindd/agent/envelope"
)

// sweepPage is how many rows of a sweep share a transaction.
const sweepPage = 1024

// sweep does something once with every row of a table that an older desk has
// filled, a page a transaction: a power cut makes the next start go on where this
// one ended, and memory does not grow with the table. What each does must bear to
// be done to a row that was written since. A row that does not decode, or for which each
// finds that something else does not, stays as it is and keeps no desk from starting:
// it is passed over, told, and among the alarms from the same transaction on.
func sweep[T any](s *Store, name string, table Table, each func(*Tx, T) error, passed Passed) error {
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
			n, end, err := sweepOn(t, name, table, each, passed)
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
func sweepOn[T any](t *Tx, name string, table Table, each func(*Tx, T) error, passed Passed) (at int64, end bool, err error) {
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
		err := read(table, row.Value, &v)
		if err == nil {
			err = each(t, v)
		}
		if Spoilt(err) {
			err = t.PassOver(name, fmt.Sprintf("%s %q", table, row.Key), err, passed)
		}
		if err != nil {
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
func (s *Store) SweepCases(name string, each func(*Tx, Case) error, passed Passed) error {
	return sweep(s, name, inCases, each, passed)
}

// Spoilt says that an error is of one row alone: it does not decode, or what it names
// is not there. Any other is of the store, and ends a walk.
func Spoilt(err error) bool {
	return errors.Is(err, ErrGarbled) || errors.Is(err, ErrAbsent) || envelope.CodeOf(err) != ""
}

// SpoiltRow is the kind of an alarm: a row that a takeover passed over.
const SpoiltRow = "spoilt"

// PassedOver is what such an alarm says.
func PassedOver(takeover string) string {
	return "it cannot be read, or what it names cannot, and the takeover " + takeover + " passed it over"
}

// PassOver leaves a row as it is, and says so to whoever lists the alarms.
func (t *Tx) PassOver(what, row string, why error, passed Passed) error {
	a, err := t.Alarm(SpoiltRow, row)
	now := time.Now().Unix()
	if Spoilt(err) { // or itself is
		a, err = Alarm{Kind: SpoiltRow, About: row, First: now}, nil
	}
	if err != nil {
		return err
	}
	passed(what, row, why)
	a.What, a.Last, a.Quiet = PassedOver(what), now, false
	a.Count++
	return t.PutAlarm(a)
}
