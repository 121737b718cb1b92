package bolt

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"unbindd/cmd/unbind-desk/internal/store"
)

var errSpoilt = errors.New("spoilt")

// Changes that share a commit do not spoil each other: one that fails, or panics,
// does so alone, and everybody else's is there.
func TestSharersOfACommitAreNotSpoilt(t *testing.T) {
	b := create(t, t.TempDir())
	t.Cleanup(func() { _ = b.Close() })
	const n = 64
	results := make([]error, n)
	hold := make(chan struct{})
	var wait sync.WaitGroup
	go func() { _ = b.Change(func(store.Rows) error { <-hold; return nil }) }() // the others gather behind it
	for i := range n {
		wait.Go(func() {
			defer func() {
				if recover() != nil {
					results[i] = errSpoilt
				}
			}()
			results[i] = b.Change(func(r store.Rows) error {
				err := r.Add("cases", fmt.Sprint("k", i), []byte("1"))
				switch i % 8 {
				case 3:
					return errors.Join(err, errSpoilt)
				case 5:
					panic("one of them is broken")
				}
				return err
			})
		})
	}
	for gathered := 0; gathered < n/2; {
		b.mu.Lock()
		gathered = len(b.next.calls)
		b.mu.Unlock()
	}
	close(hold)
	wait.Wait()
	if err := b.Look(func(r store.Rows) error {
		for i := range n {
			_, err := r.Get("cases", fmt.Sprint("k", i))
			spoilt := i%8 == 3 || i%8 == 5
			if spoilt != errors.Is(results[i], errSpoilt) || spoilt != errors.Is(err, store.ErrAbsent) {
				t.Errorf("change %d came back with %v, and its row with %v", i, results[i], err)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// What waits when the base is closed is written first, and what comes after is
// refused.
func TestCloseWritesWhatWaits(t *testing.T) {
	dir := t.TempDir()
	b := create(t, dir)
	hold, said := make(chan struct{}), make(chan error, 2)
	for i := range 2 {
		go func() {
			said <- b.Change(func(r store.Rows) error { <-hold; return r.Put("cases", fmt.Sprint(i), nil) })
		}()
	}
	close(hold)
	for range 2 {
		if err := <-said; err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.Change(func(store.Rows) error { return nil }); err == nil {
		t.Fatal("a closed base was changed")
	}
}
