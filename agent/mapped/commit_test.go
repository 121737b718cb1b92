package mapped

import (
	"errors"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

// freelistAt is where the list of free pages lies, and how many pages are in use.
func freelistAt(t *testing.T, f *File) (at, end int) {
	t.Helper()
	err := f.View(func(tx *bbolt.Tx) error {
		for ; ; end++ {
			p, err := tx.Page(end)
			if err != nil || p == nil {
				return err
			}
			if p.Type == "freelist" {
				at = end
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return at, end
}

// A commit that meets a fault leaves bbolt without the pages that it was about to use:
// the next one would write that down for good. So there is none before the file is
// opened again; it is read as before.
func TestAFaultInACommitEndsTheChanges(t *testing.T) {
	f, path := filled(t)
	all := func(tx *bbolt.Tx) (err error) {
		for n := range 200 {
			err = errors.Join(err, tx.Bucket([]byte("b")).Put([]byte{byte(n)}, make([]byte, 500)))
		}
		return err
	}
	one := func(tx *bbolt.Tx) error { return tx.Bucket([]byte("b")).Put([]byte{1}, make([]byte, 500)) }
	if err := f.Update(all); err != nil { // every page before is free then
		t.Fatal(err)
	}
	at, end := freelistAt(t, f)
	if at != end-1 {
		t.Fatalf("the list of free pages is page %d of %d, and has to be the last", at, end)
	}
	lacking(t, path, int64(at)*4096, func() {
		if err := f.Update(one); !errors.Is(err, ErrUnread) {
			t.Errorf("it is changed with %v", err)
		}
	})
	if err := readAll(f); err != nil {
		t.Error(err)
	}
	if err := f.Update(one); !errors.Is(err, ErrUnread) || !strings.Contains(err.Error(), "opened again") {
		t.Errorf("after that it is changed with %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(path, 0o600, bbolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(again.Update(one), readAll(again), again.View(func(tx *bbolt.Tx) (err error) {
		for e := range tx.Check() {
			err = errors.Join(err, e)
		}
		return err
	}), again.Close())
	if err != nil {
		t.Error(err)
	}
}
