// Package storetest is what every base of a desk must keep, as one suite, and a
// second base in memory that passes it: what only bbolt does is no contract.
// It is for tests; no program imports it.
//
//	suite.go   the suite
//	memory.go  a base in memory, optimistic
package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"

	"unbindd/cmd/unbind-desk/internal/store"
)

const table, other = store.Table("cases"), store.Table("objects")

// Run holds a base against the contract. open makes an empty one.
func Run(t *testing.T, open func(t *testing.T) store.Base) {
	for name, test := range map[string]func(*testing.T, store.Base){
		"rows": rows, "list": list, "values last as long as their transaction": values, "a failure keeps nothing": nothing,
		"a look stands still": still, "one after the other": serial, "add is first come": unique,
		"keys are bytes": keys,
	} {
		t.Run(name, func(t *testing.T) {
			b := open(t)
			defer func() {
				if err := b.Close(); err != nil {
					t.Error(err)
				}
			}()
			test(t, b)
		})
	}
}

// change runs f as a caller must: again, when another was quicker.
func change(t *testing.T, b store.Base, f func(store.Rows) error) {
	t.Helper()
	if err := again(b, f); err != nil {
		t.Fatal(err)
	}
}

func again(b store.Base, f func(store.Rows) error) error {
	for {
		if err := b.Change(f); !errors.Is(err, store.ErrAgain) {
			return err
		}
	}
}

func look(t *testing.T, b store.Base, f func(store.Rows) error) {
	t.Helper()
	if err := b.Look(f); err != nil {
		t.Fatal(err)
	}
}

func rows(t *testing.T, b store.Base) {
	change(t, b, func(r store.Rows) error {
		if _, err := r.Get(table, "a"); !errors.Is(err, store.ErrAbsent) {
			t.Errorf("an absent row: %v", err)
		}
		err := errors.Join(r.Put(table, "a", []byte("1")), r.Put(table, "a", []byte("2")), r.Add(table, "b", []byte("3")), r.Remove(table, "c"))
		if err := r.Add(table, "a", []byte("4")); !errors.Is(err, store.ErrTaken) {
			t.Errorf("a row is added over another: %v", err)
		}
		if v, err := r.Get(table, "a"); string(v) != "2" || err != nil {
			t.Errorf("a transaction does not see its own row: %q, %v", v, err)
		}
		if _, err := r.Get(other, "a"); !errors.Is(err, store.ErrAbsent) {
			t.Errorf("a row is in two tables: %v", err)
		}
		return err
	})
	change(t, b, func(r store.Rows) error {
		if err := r.Add(table, "b", nil); !errors.Is(err, store.ErrTaken) {
			t.Errorf("a row is added over one of before: %v", err)
		}
		return errors.Join(r.Remove(table, "a"), r.Put(table, "empty", nil))
	})
	look(t, b, func(r store.Rows) error {
		_, err := r.Get(table, "a")
		v, err2 := r.Get(table, "b")
		if !errors.Is(err, store.ErrAbsent) || string(v) != "3" || err2 != nil {
			t.Errorf("after two changes: %v, %q, %v", err, v, err2)
		}
		if v, err := r.Get(table, "empty"); len(v) != 0 || err != nil {
			t.Errorf("an empty row: %q, %v", v, err)
		}
		return nil
	})
}

func list(t *testing.T, b store.Base) {
	change(t, b, func(r store.Rows) error {
		var err error
		for _, key := range []string{"b\x002", "b\x001", "a", "b", "c", "b\x0010", "bb"} {
			err = errors.Join(err, r.Put(table, key, []byte(key)))
		}
		return errors.Join(err, r.Put(other, "b\x00", nil))
	})
	for _, c := range []struct {
		prefix, after string
		limit         int
		want          []string
	}{
		{"", "", 99, []string{"a", "b", "b\x001", "b\x0010", "b\x002", "bb", "c"}},
		{"b\x00", "", 99, []string{"b\x001", "b\x0010", "b\x002"}},
		{"b\x00", "", 2, []string{"b\x001", "b\x0010"}},
		{"b\x00", "b\x0010", 2, []string{"b\x002"}},
		{"b\x00", "b\x002", 2, nil},
		{"b\x00", "a", 1, []string{"b\x001"}},
		{"b\x00", "c", 9, nil},
		{"", "b\x002", 99, []string{"bb", "c"}},
		{"x", "", 9, nil},
		{"", "", 0, nil},
	} {
		look(t, b, func(r store.Rows) error {
			got, err := r.List(table, c.prefix, c.after, c.limit)
			var keys []string
			for _, row := range got {
				keys = append(keys, row.Key)
				if row.Key != string(row.Value) {
					t.Errorf("row %q has value %q", row.Key, row.Value)
				}
			}
			if !slices.Equal(keys, c.want) {
				t.Errorf("prefix %q after %q limit %d: %q, want %q", c.prefix, c.after, c.limit, keys, c.want)
			}
			return err
		})
	}
	// A transaction lists what it has written itself.
	change(t, b, func(r store.Rows) error {
		err := errors.Join(r.Remove(table, "b\x0010"), r.Put(table, "b\x003", nil))
		got, err2 := r.List(table, "b\x00", "", 9)
		if len(got) != 3 || got[2].Key != "b\x003" {
			t.Errorf("within the transaction: %q", got)
		}
		return errors.Join(err, err2)
	})
}

// values that came out stay what they were until the transaction is over, whatever it
// writes over them.
func values(t *testing.T, b store.Base) {
	in := []byte("as it was")
	change(t, b, func(r store.Rows) error { return r.Put(table, "a", in) })
	change(t, b, func(r store.Rows) error {
		was, err := r.Get(table, "a")
		rows, err2 := r.List(table, "", "", 1)
		err3 := errors.Join(r.Put(table, "a", []byte("and is now")), r.Put(table, "b", bytes.Repeat(in, 10_000)), r.Remove(table, "a"))
		if string(was) != "as it was" || len(rows) != 1 || string(rows[0].Value) != "as it was" {
			t.Errorf("the value became %q, in the list %q", was, rows)
		}
		return errors.Join(err, err2, err3, r.Add(table, "a", was))
	})
	look(t, b, func(r store.Rows) error {
		v, err := r.Get(table, "a")
		if string(v) != "as it was" || string(in) != "as it was" {
			t.Errorf("the value is %q, what was put is %q", v, in)
		}
		return err
	})
}

func nothing(t *testing.T, b store.Base) {
	change(t, b, func(r store.Rows) error { return r.Put(table, "a", []byte("1")) })
	err := again(b, func(r store.Rows) error {
		return errors.Join(r.Put(table, "a", []byte("2")), r.Put(other, "b", nil), r.Remove(table, "a"), io.ErrUnexpectedEOF)
	})
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("the error of a change comes back as %v", err)
	}
	look(t, b, func(r store.Rows) error {
		v, err := r.Get(table, "a")
		_, err2 := r.Get(other, "b")
		if string(v) != "1" || !errors.Is(err2, store.ErrAbsent) {
			t.Errorf("half of a failed change is there: %q, %v", v, err2)
		}
		return err
	})
}

func still(t *testing.T, b store.Base) {
	change(t, b, func(r store.Rows) error { return r.Put(table, "a", []byte("1")) })
	look(t, b, func(r store.Rows) error {
		changed := make(chan error)
		go func() { changed <- again(b, func(r store.Rows) error { return r.Put(table, "a", []byte("2")) }) }()
		if err := <-changed; err != nil {
			t.Error(err)
		}
		v, err := r.Get(table, "a")
		if string(v) != "1" {
			t.Errorf("a look moved to %q", v)
		}
		return err
	})
	look(t, b, func(r store.Rows) error {
		v, err := r.Get(table, "a")
		if string(v) != "2" {
			t.Errorf("a change is not seen: %q", v)
		}
		return err
	})
}

// serial has many count at once: none may be lost, whoever fails in between.
func serial(t *testing.T, b store.Base) {
	const people, each = 8, 25
	var all sync.WaitGroup
	for i := range people {
		all.Go(func() {
			for n := range each {
				fails := (i+n)%5 == 0
				err := again(b, func(r store.Rows) error { return countUp(r, fails) })
				if (err != nil) != fails {
					t.Errorf("change %d of %d: %v", n, i, err)
				}
			}
		})
	}
	all.Wait()
	look(t, b, func(r store.Rows) error {
		got, err := r.List(table, "n", "", 9999)
		if want := people * each * 4 / 5; len(got) != want {
			t.Errorf("%d changes are there, want %d", len(got), want)
		}
		return err
	})
}

// countUp adds a row under the next number, which it must find free.
func countUp(r store.Rows, fails bool) error {
	had, err := r.List(table, "n", "", 9999)
	if err == nil {
		err = r.Add(table, fmt.Sprintf("n%05d", len(had)), nil)
	}
	if err == nil && fails {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// unique has many add one row: exactly one is told that it did.
func unique(t *testing.T, b store.Base) {
	var all sync.WaitGroup
	won := make(chan int, 16)
	for i := range 16 {
		all.Go(func() {
			err := again(b, func(r store.Rows) error { return r.Add(table, "one", []byte{byte(i)}) })
			if err == nil {
				won <- i
			} else if !errors.Is(err, store.ErrTaken) {
				t.Errorf("adding: %v", err)
			}
		})
	}
	all.Wait()
	if len(won) != 1 {
		t.Fatalf("%d were told that they added the row", len(won))
	}
	winner := <-won
	look(t, b, func(r store.Rows) error {
		v, err := r.Get(table, "one")
		if len(v) != 1 || int(v[0]) != winner {
			t.Errorf("the row is %v, and %d was told so", v, winner)
		}
		return err
	})
}

func keys(t *testing.T, b store.Base) {
	odd := []string{"\x00", "\x00\xff", "a\x00b", "\xff", "\xff\xfe", "ä"}
	change(t, b, func(r store.Rows) error {
		var err error
		for _, key := range odd {
			err = errors.Join(err, r.Put(table, key, []byte(key)))
		}
		return err
	})
	look(t, b, func(r store.Rows) error {
		got, err := r.List(table, "", "", 99)
		slices.Sort(odd)
		for i, row := range got {
			if len(got) != len(odd) || row.Key != odd[i] {
				t.Errorf("row %d is %q of %d", i, row.Key, len(got))
			}
		}
		return err
	})
}
