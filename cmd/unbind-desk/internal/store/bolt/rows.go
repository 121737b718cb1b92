package bolt

import (
	"bytes"
	"fmt"

	"go.etcd.io/bbolt"

	"unbindd/cmd/unbind-desk/internal/store"
)

// rows are the buckets of one transaction. What they hand out are the file's own
// bytes, which die with it. bbolt reads what it is given when it writes its pages, and
// copies what it still needs of the old place when the file gets another in memory.
type rows struct {
	tx   *bbolt.Tx
	open []table
	few  [8]table // room for what most transactions open
}

// table is a bucket with a cursor that every search goes anew from the root with: it
// keeps its room, where bbolt's own Get takes new one each time.
type table struct {
	name   store.Table
	bucket *bbolt.Bucket
	cursor *bbolt.Cursor
}

func rowsOf(tx *bbolt.Tx) *rows {
	r := &rows{tx: tx}
	r.open = r.few[:0]
	return r
}

func (r *rows) table(t store.Table) (table, error) {
	for i := range r.open {
		if r.open[i].name == t {
			return r.open[i], nil
		}
	}
	b := r.tx.Bucket([]byte(t))
	if b == nil {
		return table{}, fmt.Errorf("there is no table %s", t)
	}
	r.open = append(r.open, table{t, b, b.Cursor()})
	return r.open[len(r.open)-1], nil
}

// find is the value of a key; false where there is no such row.
func (t table) find(key []byte) ([]byte, bool) {
	k, v := t.cursor.Seek(key)
	return v, k != nil && bytes.Equal(k, key)
}

// Get reads a row.
func (r *rows) Get(t store.Table, key string) ([]byte, error) {
	b, err := r.table(t)
	if err != nil {
		return nil, err
	}
	value, there := b.find([]byte(key))
	if !there {
		return nil, store.ErrAbsent
	}
	return value, nil
}

// Put writes a row.
func (r *rows) Put(t store.Table, key string, value []byte) error {
	b, err := r.table(t)
	if err != nil {
		return err
	}
	return b.bucket.Put([]byte(key), value)
}

// Add writes a new row.
func (r *rows) Add(t store.Table, key string, value []byte) error {
	b, err := r.table(t)
	if err != nil {
		return err
	}
	k := []byte(key)
	if _, there := b.find(k); there {
		return store.ErrTaken
	}
	return b.bucket.Put(k, value)
}

// Remove takes a row away.
func (r *rows) Remove(t store.Table, key string) error {
	b, err := r.table(t)
	if err != nil {
		return err
	}
	return b.bucket.Delete([]byte(key))
}

// List reads rows in order.
func (r *rows) List(t store.Table, prefix, after string, limit int) ([]store.Row, error) {
	b, err := r.table(t)
	if err != nil {
		return nil, err
	}
	from := max(prefix, after)
	var out []store.Row
	for k, v := b.cursor.Seek([]byte(from)); k != nil && len(out) < limit; k, v = b.cursor.Next() {
		switch {
		case after != "" && string(k) <= after:
			continue
		case !bytes.HasPrefix(k, []byte(prefix)):
			return out, nil
		}
		out = append(out, store.Row{Key: string(k), Value: v})
	}
	return out, nil
}
