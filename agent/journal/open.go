package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// ErrLocked means that another process has the journal open.
var ErrLocked = errors.New("another daemon runs on this state directory")

// ErrAbsent means that there is no journal.
var ErrAbsent = errors.New("there is no journal")

// Journal is one open journal file. Its methods may be called from any
// goroutine; Carry runs once at a time.
type Journal struct {
	store Store
	now   func() time.Time
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
	// Who cannot see whether there is one must not put a new one in its place.
	if _, err := os.Lstat(path); err == nil {
		return Open(path, o)
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("cannot create the journal: %w", err)
	}
	temp := path + ".new"
	if err := os.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("cannot create the journal: %w", err)
	}
	f, err := openFile(temp)
	if err != nil {
		return nil, err
	}
	j := o.over(f)
	if err := errors.Join(j.lay(), j.Close()); err != nil {
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
	} else if err != nil {
		return nil, fmt.Errorf("cannot open the journal: %w", err) // bbolt would make one
	}
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	j := o.over(f)
	if err := j.checkForm(); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	if err := j.settle(o); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}

// settle syncs the journal before anybody reads it: the last commit of a process
// that was killed may be there for whoever looks, and gone with the next power cut.
func (j *Journal) settle(o Options) error { return j.Trial(o.Reserve) }

func (o Options) over(s Store) *Journal {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Journal{store: s, now: o.Now}
}

func (j *Journal) checkForm() error {
	return j.store.View(func(tx Tx) error {
		if !bytes.Equal(tx.Get(bucketMeta, keyForm), []byte(form)) {
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
	err := j.store.Update(func(tx Tx) error {
		return tx.Put(bucketMeta, keyFiller, bytes.Repeat([]byte{0xa5}, n))
	})
	if err != nil {
		return fmt.Errorf("cannot reserve %d bytes in the journal: %w", n, err)
	}
	err = j.store.Update(func(tx Tx) error { return tx.Delete(bucketMeta, keyFiller) })
	if err != nil {
		return fmt.Errorf("cannot reserve %d bytes in the journal: %w", n, err)
	}
	return nil
}

// Close closes the file. What was answered for is durable, whatever it says.
func (j *Journal) Close() error {
	if err := j.store.Close(); err != nil {
		return fmt.Errorf("cannot close the journal: %w", err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
