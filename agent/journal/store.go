package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"unbindd/agent/mapped"
)

// Store is where a journal's names and values lie: the file, or a disk of a
// test's making, so that the same code can be cut at every call in memory. What
// Update does is there as a whole or not at all, and durable when it returns nil;
// after an error nobody knows.
type Store interface {
	Update(do func(Tx) error) error
	View(do func(Tx) error) error
	Close() error
}

// Tx is one transaction. What Get and Each hand out is good until its end only.
type Tx interface {
	Get(bucket, key []byte) []byte
	Put(bucket, key, value []byte) error
	Delete(bucket, key []byte) error
	Each(bucket []byte, do func(key, value []byte) error) error
	Empty(bucket []byte) error
	Next(bucket []byte) (uint64, error) // 1, 2, 3 ... of the bucket, never the same twice
}

// Reads is a transaction that reads the values itself, each into something empty:
// that of a test which lives the same days again and again, and has read the same
// bytes before.
type Reads interface {
	Read(value []byte, v any) error
}

// read reads a value, which is JSON wherever it is not a single byte.
func read(tx Tx, value []byte, v any) error {
	if r, itself := tx.(Reads); itself {
		return r.Read(value, v)
	}
	return json.Unmarshal(value, v)
}

// Writes is a store, or a transaction, that writes values as JSON itself: that of
// the same test, which has written the same values before.
type Writes interface {
	Write(v any) ([]byte, error)
}

// write writes a value, as JSON.
func write(to, v any) ([]byte, error) {
	if w, itself := to.(Writes); itself {
		return w.Write(v)
	}
	return json.Marshal(v)
}

// On is a journal in a store that is not a file; it is laid out where it is new.
func On(s Store, o Options) (*Journal, error) {
	j := o.over(s)
	if err := j.lay(); err != nil {
		return nil, fmt.Errorf("cannot create the journal: %w", err)
	}
	return j, j.settle(o)
}

func (j *Journal) lay() error {
	return j.store.Update(func(tx Tx) error {
		if tx.Get(bucketMeta, keyForm) != nil {
			return nil
		}
		for _, name := range buckets {
			if err := tx.Empty(name); err != nil {
				return err
			}
		}
		return tx.Put(bucketMeta, keyForm, []byte(form))
	})
}

// file is the store of a terminal.
type file struct{ *mapped.File }

// mapSize is how much of the file has its place in memory from the beginning. One that
// outgrows it is mapped anew in a commit, which waits for who reads. Whenever a file
// outgrows its length it is made AllocSize longer than it has to be; that room is used
// up before it grows again, and the erase overwrites all of it.
const mapSize = 64 << 20

func openFile(path string) (file, error) {
	db, err := mapped.Open(path, 0o600, bolt.Options{
		Timeout: time.Second, PageSize: 4096, FreelistType: bolt.FreelistMapType, InitialMmapSize: mapSize,
	})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return file{}, fmt.Errorf("cannot open the journal: %w", ErrLocked)
	}
	if err != nil {
		return file{}, fmt.Errorf("cannot open the journal: %w", err)
	}
	db.AllocSize = 1 << 20
	return file{db}, nil
}

func (f file) Update(do func(Tx) error) error {
	return named(f.File.Update(func(tx *bolt.Tx) error { return do(fileTx{tx}) }))
}

func (f file) View(do func(Tx) error) error {
	return named(f.File.View(func(tx *bolt.Tx) error { return do(fileTx{tx}) }))
}

// named says of which file a page could not be read.
func named(err error) error {
	if errors.Is(err, mapped.ErrUnread) {
		return fmt.Errorf("cannot use the journal: %w", err)
	}
	return err
}

// fileTx is a transaction of the file. A bucket that is not there holds nothing.
type fileTx struct{ *bolt.Tx }

func (t fileTx) Get(bucket, key []byte) []byte {
	b := t.Bucket(bucket)
	if b == nil {
		return nil
	}
	return b.Get(key)
}

func (t fileTx) Put(bucket, key, value []byte) error { return t.Bucket(bucket).Put(key, value) }

func (t fileTx) Delete(bucket, key []byte) error { return t.Bucket(bucket).Delete(key) }

func (t fileTx) Each(bucket []byte, do func(key, value []byte) error) error {
	return t.Bucket(bucket).ForEach(do)
}

func (t fileTx) Empty(bucket []byte) error {
	if err := t.DeleteBucket(bucket); err != nil && !errors.Is(err, bolterrors.ErrBucketNotFound) {
		return err
	}
	_, err := t.CreateBucket(bucket)
	return err
}

func (t fileTx) Next(bucket []byte) (uint64, error) { return t.Bucket(bucket).NextSequence() }
