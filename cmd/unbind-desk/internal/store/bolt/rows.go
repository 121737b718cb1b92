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
type rows struct{ tx *bbolt.Tx }

func (r rows) bucket(t store.Table) (*bbolt.Bucket, error) {
	b := r.tx.Bucket([]byte(t))
	if b == nil {
		return nil, fmt.Errorf("there is no table %s", t)
	}
	return b, nil
}

// Get reads a row.
func (r rows) Get(t store.Table, key string) ([]byte, error) {
	b, err := r.bucket(t)
	if err != nil {
		return nil, err
	}
	value := b.Get([]byte(key))
	if value == nil {
		return nil, store.ErrAbsent
	}
	return value, nil
}

// Put writes a row.
func (r rows) Put(t store.Table, key string, value []byte) error {
	b, err := r.bucket(t)
	if err != nil {
		return err
	}
	return b.Put([]byte(key), value)
}

// Add writes a new row.
func (r rows) Add(t store.Table, key string, value []byte) error {
	b, err := r.bucket(t)
	if err != nil {
		return err
	}
	if b.Get([]byte(key)) != nil {
		return store.ErrTaken
	}
	return b.Put([]byte(key), value)
}

// Remove takes a row away.
func (r rows) Remove(t store.Table, key string) error {
	b, err := r.bucket(t)
	if err != nil {
		return err
	}
	return b.Delete([]byte(key))
}

// List reads rows in order.
func (r rows) List(t store.Table, prefix, after string, limit int) ([]store.Row, error) {
	b, err := r.bucket(t)
	if err != nil {
		return nil, err
	}
	from := max(prefix, after)
	var out []store.Row
	c := b.Cursor()
	for k, v := c.Seek([]byte(from)); k != nil && len(out) < limit; k, v = c.Next() {
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
