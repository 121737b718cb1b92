package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"go.etcd.io/bbolt"
)

// rawRow is a row that one certificate writes, by its sizes.
type rawRow struct {
	table      string
	key, value int
}

func bytesOf(rows []rawRow) string {
	n := 0
	for _, r := range rows {
		n += r.key + r.value
	}
	return fmt.Sprintf("%s bytes", thousands(n))
}

// template reads, of a desk that stands still, what its first certificate wrote.
func (d *desking) template() error {
	if err := d.office.Stop(); err != nil {
		return err
	}
	db, err := bbolt.Open(filepath.Join(d.office.Dir, "desk.db"), 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	err = db.View(func(tx *bbolt.Tx) error {
		d.rows = rowsOf(tx, d.terminals[0].Case())
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	if len(d.rows) < 10 {
		return fmt.Errorf("cannot find what a certificate writes: %d rows", len(d.rows))
	}
	if d.raw, err = openRaw(filepath.Join(d.b.work, "raw.db"), d.rows); err != nil {
		return err
	}
	return d.office.Start(d.b.ctx)
}

// rowsOf are the rows of a case that a certificate adds or changes, and those of
// the log for two leaves.
func rowsOf(tx *bbolt.Tx, id string) (rows []rawRow) {
	take := func(table string, most int, fits func(string) bool) {
		c := tx.Bucket([]byte(table)).Cursor()
		for k, v := c.Last(); k != nil && most > 0; k, v = c.Prev() {
			if fits(string(k)) {
				rows = append(rows, rawRow{table, len(k), len(v)})
				most--
			}
		}
	}
	of := func(k string) bool { return strings.Contains(k, id) }
	take("objects", 2, func(k string) bool { return of(k) && strings.Contains(k, "certificate") })
	take("cases", 1, of)
	take("states", 1, of)
	take("history", 1, of)
	take("counters", 1, of)
	take("counters", 2, func(k string) bool { return strings.HasPrefix(k, "log-") })
	take("leaves", 2, func(string) bool { return true })
	take("hashes", 4, func(string) bool { return true })
	return rows
}

// rawBase is a bbolt file that gets such rows and nothing else.
type rawBase struct {
	db   *bbolt.DB
	rows []rawRow
	n    atomic.Uint64
}

func openRaw(path string, rows []rawRow) (*rawBase, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return nil, err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, r := range rows {
			if _, err := tx.CreateBucketIfNotExists([]byte(r.table)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	// The delay is the facts', two milliseconds.
	db.MaxBatchDelay = rawDelay
	return &rawBase{db: db, rows: slices.Clone(rows)}, nil
}

// write writes the rows of one certificate, in a transaction that others share.
func (r *rawBase) write() error {
	n := r.n.Add(1)
	return r.db.Batch(func(tx *bbolt.Tx) error {
		for i, row := range r.rows {
			key := bytes.Repeat([]byte{'k'}, max(row.key, 10))
			binary.BigEndian.PutUint64(key, n)
			key[8] = byte(i)
			if err := tx.Bucket([]byte(row.table)).Put(key, make([]byte, row.value)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *rawBase) close() error { return r.db.Close() }
