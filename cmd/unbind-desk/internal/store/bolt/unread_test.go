package bolt

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"unbindd/agent/mapped"
	"unbindd/cmd/unbind-desk/internal/store"
)

// spread is a store whose rows fill many pages, and how to have all of them away for
// a moment but those that bbolt asks for with calls.
func spread(t *testing.T) (b *Base, lacking func(do func())) {
	t.Helper()
	dir := t.TempDir()
	b = create(t, dir)
	t.Cleanup(func() { _ = b.Close() })
	if err := b.Change(func(r store.Rows) (err error) {
		for n := range 200 {
			err = errors.Join(err, r.Put("cases", fmt.Sprintf("k%03d", n), make([]byte, 500)))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "desk.db")
	return b, func(do func()) {
		whole, err := os.ReadFile(path)
		if err == nil {
			err = os.Truncate(path, 2*int64(os.Getpagesize()))
		}
		if err != nil {
			t.Fatal(err)
		}
		do()
		h, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.WriteAt(whole, 0)
		if err := errors.Join(err, h.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// A change that meets a page which is not there has written nothing: it is told so,
// and with the page back the store is as it was.
func TestAChangeThatMeetsAFaultEndsNothing(t *testing.T) {
	b, lacking := spread(t)
	change := func() error {
		return b.Change(func(r store.Rows) error {
			if _, err := r.Get("cases", "k100"); err != nil {
				return err
			}
			return r.Put("cases", "k100", []byte("another"))
		})
	}
	lacking(func() {
		if err := change(); !errors.Is(err, mapped.ErrUnread) || errors.Is(err, store.ErrUnknown) {
			t.Errorf("it is changed with %v", err)
		}
	})
	look := func(r store.Rows) error { _, err := r.Get("cases", "k100"); return err }
	if err := errors.Join(b.Look(look), change(), b.Look(look)); err != nil {
		t.Errorf("the pages are there again, and it says %v", err)
	}
}

// faulty is a change that meets a fault while it is taken back.
type faulty struct{ store.Rows }

func (faulty) Remove(store.Table, string) error { panic(errSpoilt) }

// A fault while one change is taken back leaves nobody beside it without an answer.
func TestWhoCannotBeTakenBackHoldsNobodyUp(t *testing.T) {
	b := create(t, t.TempDir())
	t.Cleanup(func() { _ = b.Close() })
	put := func(key string) call {
		return call{said: make(chan error, 1), f: func(r store.Rows) error { return r.Put("cases", key, nil) }}
	}
	bad := call{said: make(chan error, 1), f: func(r store.Rows) error {
		if err := r.Put("cases", "bad", nil); err != nil {
			return err
		}
		if u, shared := r.(*undo); shared {
			u.Rows = faulty{u.Rows}
		}
		return errSpoilt
	}}
	calls := []call{put("a"), bad, put("c")}
	b.commit(calls)
	if one, two, three := <-calls[0].said, <-calls[1].said, <-calls[2].said; one != nil || !errors.Is(two, errSpoilt) || three != nil {
		t.Errorf("they came back with %v, %v and %v", one, two, three)
	}
}

// What a commit meets is another matter: nobody knows then.
func TestACommitThatMeetsAFaultIsUnknown(t *testing.T) {
	b, lacking := spread(t)
	err := error(nil)
	lacking(func() {
		err = b.db.View(func(*bbolt.Tx) error { return nil }) // the metas are there
		err = errors.Join(err, b.Change(func(store.Rows) error { return nil }))
	})
	if !errors.Is(err, store.ErrUnknown) {
		t.Errorf("it is changed with %v", err)
	}
}
