package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// ErrInUse says that another process has the store open.
var ErrInUse = errors.New("another desk is serving this directory")

// ErrAbsent says that there is no record under a key.
var ErrAbsent = errors.New("there is none")

// lockWait is how long a second process waits before it is told so.
const lockWait = time.Second

// batchDelay is how long a change waits for others to share its commit.
const batchDelay = 2 * time.Millisecond

// Store is an open desk.db and its blob folder.
type Store struct {
	db    *bbolt.DB
	blobs string
}

// Create makes a new store in dir, which must not have one.
func Create(dir string) (*Store, error) {
	if _, err := os.Stat(filepath.Join(dir, "desk.db")); !errors.Is(err, os.ErrNotExist) {
		return nil, errors.New("cannot create the store: there is one already")
	}
	s, err := open(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot create the store: %w", err)
	}
	err = s.db.Update(func(tx *bbolt.Tx) error {
		for _, name := range buckets {
			if _, err := tx.CreateBucket([]byte(name)); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = os.Mkdir(s.blobs, 0o700)
	}
	if err == nil {
		// Without it both names could be lost after the first receipt went out.
		err = syncDir(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot create the store: %w", errors.Join(err, s.Close()))
	}
	return s, nil
}

// Open opens the store of dir, and drops uploads that a former process left
// half-done. It fails with ErrInUse while another process has it open.
func Open(dir string) (*Store, error) {
	if _, err := os.Stat(filepath.Join(dir, "desk.db")); err != nil {
		return nil, fmt.Errorf("cannot open the store: %w", err)
	}
	s, err := open(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot open the store: %w", err)
	}
	if err := s.sweep(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func open(dir string) (*Store, error) {
	db, err := bbolt.Open(filepath.Join(dir, "desk.db"), 0o600, &bbolt.Options{
		Timeout: lockWait, FreelistType: bbolt.FreelistMapType,
	})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, ErrInUse
	}
	if err != nil {
		return nil, err
	}
	db.MaxBatchDelay = batchDelay
	// A killed desk may have left its last commit in the page cache alone; what is
	// answered from here on must be on the medium.
	if err := db.Update(func(*bbolt.Tx) error { return nil }); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &Store{db: db, blobs: filepath.Join(dir, "blobs")}, nil
}

// Close closes the store.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("cannot close the store: %w", err)
	}
	return nil
}

// Change runs f in a transaction that is durable when Change returns nil. f may
// run more than once and must set what it hands out anew each time; when it
// returns an error nothing of it is kept, and that error comes back as it is.
func (s *Store) Change(f func(*Tx) error) error {
	return s.db.Batch(func(tx *bbolt.Tx) error { return f(&Tx{tx}) })
}

// Look runs f on a state that does not change while it runs.
func (s *Store) Look(f func(*Tx) error) error {
	return s.db.View(func(tx *bbolt.Tx) error { return f(&Tx{tx}) })
}
