package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

// Table is the name of a table.
type Table string

const (
	inTerminals  Table = "terminals"
	inEnrolments Table = "enrolments"
	inAnswers    Table = "answers" // enrolment answers; they hold pairing keys
	inPairings   Table = "pairings"
	inSalts      Table = "salts"
	inBindings   Table = "bindings"
	inClients    Table = "clients"
	inCases      Table = "cases"
	inStates     Table = "states"     // cases by state and time
	inOwners     Table = "owners"     // cases by terminal
	inSuccessors Table = "successors" // cases by the device key that takes over
	inNumbers    Table = "numbers"    // commands by terminal, epoch and number
	inObjects    Table = "objects"
	inHistory    Table = "history"
	inLeaves     Table = "leaves" // of the log
	inHashes     Table = "hashes"
	inTrust      Table = "chain" // of the trust's versions
	inProfiles   Table = "profiles"
	inCounters   Table = "counters"
	inAlarms     Table = "alarms"
	inHooks      Table = "hooks"
	inDue        Table = "due"      // hooks by partner and time
	inSweeps     Table = "sweeps"   // how far the takeover of a table has come
	inSettings   Table = "settings" // what every desk on this store goes by
	inParts      Table = "parts"
	inWanted     Table = "wanted"   // manifests whose ticket is due
	inRetired    Table = "retired"  // serial numbers that were taken out of service
	inSessions   Table = "sessions" // of the console
	inStrays     Table = "strays"   // how many answers to nothing a terminal sent, by terminal

	// What an older desk reads and writes under these names is moved away, so that
	// it finds no trust bundle and does not start on what this one has written.
	olderLog     Table = "log"
	olderTrust   Table = "trust"
	olderBundles Table = "bundles" // of a desk that finds no message by its time

	olderVersions Table = "versions" // of a desk that queues no manifest for its ticket
)

// Tables are all that a base needs.
var Tables = []Table{
	inTerminals, inEnrolments, inAnswers, inPairings, inSalts, inBindings, inClients, inCases, inStates, inSuccessors, inNumbers,
	inObjects, inHistory, inLeaves, inHashes, inTrust, inProfiles, inCounters, inAlarms, inHooks, inParts, inRetired, inOwners, inDue, inSweeps, inSettings, inSessions, inWanted, inStrays, olderLog, olderTrust, olderBundles, olderVersions,
}

// page is how many rows are read at once.
const page = 256

// Tx is one transaction.
type Tx struct{ rows Rows }

// get reads a record; ErrAbsent when there is none.
func get[T any](t *Tx, table Table, key string) (T, error) {
	var v T
	raw, err := t.rows.Get(table, key)
	if err != nil {
		return v, err
	}
	return v, read(table, raw, &v)
}

func read[T any](table Table, raw []byte, v *T) error {
	if !unread(raw, v) {
		return nil
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("cannot read a record of %s: %w: %w", table, ErrGarbled, err)
	}
	return nil
}

func put(t *Tx, table Table, key string, v any) error { return write(t.rows.Put, table, key, v) }

// add writes a record that must be new.
func add(t *Tx, table Table, key string, v any) error { return write(t.rows.Add, table, key, v) }

func write(to func(Table, string, []byte) error, table Table, key string, v any) error {
	var err error
	raw, ok := written(v)
	if !ok {
		raw, err = json.Marshal(v)
	}
	if err == nil {
		err = to(table, key, raw)
	}
	if err != nil {
		return fmt.Errorf("cannot write a record of %s: %w", table, err)
	}
	return nil
}

// all reads every record whose key begins with prefix and comes after after, in
// order, a page at a time.
func all[T any](t *Tx, table Table, prefix, after string, each func(key string, v T) error) error {
	for {
		rows, err := t.rows.List(table, prefix, after, page)
		if err != nil {
			return err
		}
		for _, row := range rows {
			var v T
			if err := read(table, row.Value, &v); err != nil {
				return err
			}
			if err := each(row.Key, v); err != nil {
				return err
			}
		}
		if len(rows) < page {
			return nil
		}
		after = rows[len(rows)-1].Key
	}
}

// number makes a key part that sorts as the number does.
func number(n int64) string { return string(binary.BigEndian.AppendUint64(nil, uint64(n))) }

// numberAt reads a number back from the end of a key.
func numberAt(key string) int64 {
	if len(key) < 8 {
		return 0
	}
	return int64(binary.BigEndian.Uint64([]byte(key[len(key)-8:])))
}

// Count returns the next number of a counter, from 1.
func (t *Tx) Count(name string) (int64, error) {
	n, err := t.Counted(name)
	if err != nil {
		return 0, err
	}
	return n + 1, put(t, inCounters, name, n+1)
}

// Counted returns the last number of a counter, 0 where it was never used.
func (t *Tx) Counted(name string) (int64, error) {
	n, err := get[int64](t, inCounters, name)
	if errors.Is(err, ErrAbsent) {
		return 0, nil
	}
	return n, err
}
