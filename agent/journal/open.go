package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// ErrLocked means that another process has the journal open.
var ErrLocked = errors.New("another daemon runs on this state directory")

// ErrAbsent means that there is no journal.
var ErrAbsent = errors.New("there is no journal")

// Journal is one open journal file. Its methods may be called from any
// goroutine; Carry runs once at a time.
type Journal struct {
	db  *bolt.DB
	now func() time.Time
}

// Options of a journal.
type Options struct {
	Now     func() time.Time // time.Now where nil
	Reserve int              // bytes kept free inside the file; see Trial
}

// Create makes a new journal, or opens the one that is there. A cut while it is
// made leaves either no journal or a whole one: it is filled under another
// name and renamed.
func Create(path string, o Options) (*Journal, error) {
	if _, err := os.Lstat(path); err == nil {
		return Open(path, o)
	}
	temp := path + ".new"
	if err := os.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("cannot create the journal: %w", err)
	}
	j, err := openFile(temp, o)
	if err != nil {
		return nil, err
	}
	err = j.db.Update(func(tx *bolt.Tx) error {
		for _, name := range buckets {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return tx.Bucket(bucketMeta).Put(keyForm, []byte(form))
	})
	if err = errors.Join(err, j.Close()); err != nil {
		return nil, fmt.Errorf("cannot create the journal: %w", err)
	}
	if err := os.Rename(temp, path); err != nil {
		return nil, fmt.Errorf("cannot create the journal: %w", err)
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("cannot create the journal: %w", err)
	}
	return Open(path, o)
}

// Open opens the journal that is there; ErrAbsent where there is none,
// ErrLocked where another process has it.
func Open(path string, o Options) (*Journal, error) {
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("cannot open the journal: %w", ErrAbsent)
	}
	j, err := openFile(path, o)
	if err != nil {
		return nil, err
	}
	if err := j.checkForm(); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	if err := j.Trial(o.Reserve); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}

func openFile(path string, o Options) (*Journal, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		Timeout: time.Second, PageSize: 4096, FreelistType: bolt.FreelistMapType,
	})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("cannot open the journal: %w", ErrLocked)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open the journal: %w", err)
	}
	db.AllocSize = 1 << 20
	now := o.Now
	if now == nil {
		now = time.Now
	}
	return &Journal{db: db, now: now}, nil
}

func (j *Journal) checkForm() error {
	return j.db.View(func(tx *bolt.Tx) error {
		meta := tx.Bucket(bucketMeta)
		if meta == nil || !bytes.Equal(meta.Get(keyForm), []byte(form)) {
			return errors.New("cannot open the journal: it is of another form than this software writes")
		}
		return nil
	})
}

// Trial writes and syncs a record of n bytes and removes it again. The pages it
// took stay in the file as free ones, so the next n bytes need no space of the
// disk: a full disk is found out here, not later.
func (j *Journal) Trial(n int) error {
	if n == 0 {
		return nil
	}
	err := j.db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketMeta).Put(keyFiller, bytes.Repeat([]byte{0xa5}, n))
	})
	if err != nil {
		return fmt.Errorf("cannot reserve %d bytes in the journal: %w", n, err)
	}
	err = j.db.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucketMeta).Delete(keyFiller) })
	if err != nil {
		return fmt.Errorf("cannot reserve %d bytes in the journal: %w", n, err)
	}
	return nil
}

// Close closes the file.
func (j *Journal) Close() error { return j.db.Close() }

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
