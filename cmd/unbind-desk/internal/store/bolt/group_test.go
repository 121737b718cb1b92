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
	t.Run("some fail", func(t *testing.T) { shareACommit(t, false) })
	t.Run("some fail and some panic", func(t *testing.T) { shareACommit(t, true) })
}

func shareACommit(t *testing.T, panics bool) {
	t.Helper()
	b := create(t, t.TempDir())
	t.Cleanup(func() { _ = b.Close() })
	const n = 64
	results := make([]error, n)
	entered, hold := make(chan struct{}), make(chan struct{})
	var wait sync.WaitGroup
	go func() { _ = b.Change(func(store.Rows) error { close(entered); <-hold; return nil }) }()
	<-entered // alone: the others gather behind it
	for i := range n {
		wait.Go(func() {
			defer func() {
				if recover() != nil {
					results[i] = errSpoilt
				}
			}()
			results[i] = b.Change(func(r store.Rows) error {
				err := r.Add("cases", fmt.Sprint("k", i), []byte("1"))
				switch {
				case i%8 == 5 && panics:
					panic("one of them is broken")
				case i%8 == 3, i%8 == 5:
					return errors.Join(err, errSpoilt)
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

// However many changes of a group fail, those beside them run once and share one
// commit: who sends what is refused must not make others pay for it.
func TestManyThatFailCostOthersNothing(t *testing.T) {
	b := create(t, t.TempDir())
	t.Cleanup(func() { _ = b.Close() })
	const n, honest = 400, 8 // one in eight is honest
	entered, hold := make(chan struct{}), make(chan struct{})
	first := make(chan error, 1)
	go func() { first <- b.Change(func(store.Rows) error { close(entered); <-hold; return nil }) }()
	<-entered
	begun := b.durable
	var runs [n]int
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() {
			err := b.Change(func(r store.Rows) error {
				runs[i]++
				if err := errors.Join(r.Put("cases", "k", []byte{byte(i)}), r.Remove("states", "s")); err != nil || i%honest != 0 {
					return errors.Join(err, errSpoilt)
				}
				return r.Add("cases", fmt.Sprint("k", i), []byte("1"))
			})
			if errors.Is(err, errSpoilt) == (i%honest == 0) {
				t.Errorf("change %d came back with %v", i, err)
			}
		})
	}
	for gathered := 0; gathered < n; {
		b.mu.Lock()
		gathered = len(b.next.calls)
		b.mu.Unlock()
	}
	close(hold)
	wait.Wait()
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	for i, n := range runs {
		if want := 1 + min(i%honest, 1); n != want {
			t.Errorf("change %d ran %d times, want %d", i, n, want)
		}
	}
	if commits := b.durable - begun; commits != 2 {
		t.Errorf("there were %d commits, want the first and one for all others", commits)
	}
}

// A change that fails after it has written over, added and removed rows leaves each
// as it was, for those who share its commit too.
func TestWhatFailsIsTakenBack(t *testing.T) {
	b := create(t, t.TempDir())
	t.Cleanup(func() { _ = b.Close() })
	if err := b.Change(func(r store.Rows) error {
		return errors.Join(r.Put("cases", "over", []byte("1")), r.Put("cases", "away", nil))
	}); err != nil {
		t.Fatal(err)
	}
	seen := 0
	calls := []call{
		{said: make(chan error, 1), f: func(r store.Rows) error {
			err := errors.Join(
				r.Put("cases", "over", []byte("2")), r.Remove("cases", "over"), r.Add("cases", "over", []byte("3")),
				r.Remove("cases", "away"), r.Put("cases", "new", []byte("4")), r.Remove("cases", "none"),
			)
			return errors.Join(err, errSpoilt)
		}},
		{said: make(chan error, 1), f: func(r store.Rows) error {
			rows, err := r.List("cases", "", "", 9)
			if err != nil || len(rows) != 2 || rows[0].Key != "away" || string(rows[1].Value) != "1" {
				return fmt.Errorf("the next one sees %q: %w", rows, err)
			}
			seen++
			return r.Put("cases", "next", nil)
		}},
	}
	b.commit(calls)
	if first, next := <-calls[0].said, <-calls[1].said; !errors.Is(first, errAlone) || next != nil || seen != 1 {
		t.Errorf("they came back with %v and %v; %d saw", first, next, seen)
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

// What is put off until everybody has had his turn is in the same commit; where it
// fails or panics, only who asked for it hears of it, and nothing of his is kept.
func TestWhatComesLaterIsInTheSameCommit(t *testing.T) {
	b := create(t, t.TempDir())
	t.Cleanup(func() { _ = b.Close() })
	put := func(key string, bad string) call {
		return call{said: make(chan error, 1), f: func(r store.Rows) error {
			end := func(r store.Rows) error {
				switch bad {
				case "fails":
					return errSpoilt
				case "panics":
					panic("it is broken")
				}
				return r.Add("cases", key+"-later", []byte("2"))
			}
			if err := r.Add("cases", key, []byte("1")); err != nil {
				return err
			}
			if l, ok := r.(store.Later); ok {
				l.Later(end)
				return nil
			}
			return end(r)
		}}
	}
	for _, c := range []struct {
		bad  string
		want error
	}{{"", nil}, {"fails", errSpoilt}, {"panics", errAlone}} {
		begun := b.durable
		calls := []call{put("a"+c.bad, ""), put("b"+c.bad, c.bad), put("c"+c.bad, "")}
		b.commit(calls)
		if one, two, three := <-calls[0].said, <-calls[1].said, <-calls[2].said; one != nil || !errors.Is(two, c.want) || three != nil {
			t.Errorf("%q: they came back with %v, %v and %v", c.bad, one, two, three)
		}
		if commits := b.durable - begun; c.bad == "" && commits != 1 {
			t.Errorf("there were %d commits, want one", commits)
		}
		if err := b.Look(func(r store.Rows) error {
			for key, there := range map[string]bool{"a": true, "a-later": true, "b": c.bad == "", "b-later": c.bad == "", "c-later": true} {
				name, later := key[:1]+c.bad, key[1:]
				if _, err := r.Get("cases", name+later); (err == nil) != there {
					t.Errorf("%q: row %s is there: %v", c.bad, name+later, err)
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}
