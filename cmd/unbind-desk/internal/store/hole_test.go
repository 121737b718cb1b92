package store_test

import (
	"errors"
	"slices"
	"testing"

	"unbindd/cmd/unbind-desk/internal/store"
	"unbindd/cmd/unbind-desk/internal/store/storetest"
)

// opens opens a store and says what it told of.
func opens(t *testing.T, b store.Base) (s *store.Store, told []string) {
	t.Helper()
	s, err := store.Open(b, func(string, int64) {}, func(what, row string, why error) {
		if why == nil {
			t.Errorf("%s: %s was passed over for nothing", what, row)
		}
		told = append(told, what+": "+row)
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, told
}

// stands reads how many leaves there are, how many stand in the tree, and what is among the alarms.
func stands(t *testing.T, s *store.Store) (size, proven int64, alarms []string) {
	t.Helper()
	if err := s.Look(func(tx *store.Tx) error {
		var err1, err2 error
		size, err1 = tx.Size()
		proven, err2 = tx.Proven()
		all, err3 := tx.Alarms("", "", 9)
		for _, a := range all {
			alarms = append(alarms, a.Kind+" "+a.About)
		}
		return errors.Join(err1, err2, err3)
	}); err != nil {
		t.Fatal(err)
	}
	return size, proven, alarms
}

// alarmsUp counts the alarms that are up, and all of them; those that are not have words.
func alarmsUp(t *testing.T, s *store.Store) (up, all int) {
	t.Helper()
	if err := s.Look(func(tx *store.Tx) error {
		list, err := tx.Alarms("", "", 9)
		for _, a := range list {
			if all++; !a.Quiet {
				up++
			} else if len(a.Settled) == 0 {
				t.Errorf("%s is quiet without a word", a.About)
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return up, all
}

// A leaf of an older desk's log that cannot be read keeps no desk from starting: the tree
// ends before it, it is told by name at every start, and what comes after has its number
// and no place in the tree. Where the leaf is brought back the tree goes on over all.
func TestTheTreeEndsBeforeALeafThatCannotBeRead(t *testing.T) {
	for name, spoil := range map[string]func(store.Rows, string) error{
		"it does not decode":    func(r store.Rows, key string) error { return r.Put("log", key, []byte(`{"id":`)) },
		"it is no digest":       func(r store.Rows, key string) error { return r.Put("log", key, []byte(`"sha256:short"`)) },
		"it is not there":       func(r store.Rows, key string) error { return r.Remove("log", key) },
		"it is of another form": func(r store.Rows, key string) error { return r.Put("log", key, []byte(`7`)) },
	} {
		for _, hole := range []int{0, 5, 299} {
			b := storetest.NewMemory()
			older(t, b, 301)
			if err := b.Change(func(r store.Rows) error { return spoil(r, keyOf(hole)) }); err != nil {
				t.Fatal(err)
			}
			for more := range 2 {
				s, told := opens(t, b)
				if err := s.Change(func(tx *store.Tx) error {
					o, err := tx.AddObject(store.Key{Case: "C-1", Kind: "answer", N: int64(1 + more)}, store.Object{Digest: leafOf(301 + more)})
					if o.Leaf != int64(301+more) {
						t.Errorf("%s: the new leaf is %d", name, o.Leaf)
					}
					return err
				}); err != nil {
					t.Fatal(err)
				}
				size, proven, alarms := stands(t, s)
				leaf := "leaf " + map[int]string{0: "0", 5: "5", 299: "299"}[hole]
				if size != int64(302+more) || proven != int64(hole) || !slices.Equal(told, []string{"log: " + leaf}) || !slices.Equal(alarms, []string{"spoilt " + leaf}) {
					t.Errorf("%s: %d leaves, %d in the tree, told %q, alarms %q", name, size, proven, told, alarms)
				}
			}
			if hole == 5 { // somebody settled it meanwhile
				s, _ := opens(t, b)
				if err := s.Change(func(tx *store.Tx) error {
					a, err := tx.Alarm(store.SpoiltRow, "leaf 5")
					a.Settled = []store.Settled{{At: 1, By: "auditor-1", Why: "the disk"}}
					return errors.Join(err, tx.PutAlarm(a))
				}); err != nil {
					t.Fatal(err)
				}
			}
			if err := b.Change(func(r store.Rows) error { return r.Put("leaves", keyOf(hole), []byte(`"`+string(leafOf(hole))+`"`)) }); err != nil {
				t.Fatal(err)
			}
			s, told := opens(t, b)
			if len(told) != 0 {
				t.Errorf("%s: it is back, and told is %q", name, told)
			}
			if up, all := alarmsUp(t, s); up != 0 || all != map[int]int{5: 1}[hole] {
				t.Errorf("%s: it is back, and of %d alarms %d are up", name, all, up)
			}
			checkTree(t, s, 303)
		}
	}
}

// A leaf that stands in the tree and cannot be read any more has its hash there: the log is
// whole, goes on, and the leaf is told.
func TestALeafInTheTreeThatCannotBeReadIsTold(t *testing.T) {
	b := takenOver(t, 9)
	if err := b.Change(func(r store.Rows) error { return r.Put("leaves", keyOf(3), []byte(`{"id":`)) }); err != nil {
		t.Fatal(err)
	}
	s, told := opens(t, b)
	if err := s.Change(func(tx *store.Tx) error {
		_, err := tx.AddObject(store.Key{Case: "C-1", Kind: "answer", N: 1}, store.Object{Digest: leafOf(9)})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if size, proven, alarms := stands(t, s); size != 10 || proven != 10 || !slices.Equal(told, []string{"log: leaf 3"}) || !slices.Equal(alarms, []string{"spoilt leaf 3"}) {
		t.Errorf("%d leaves, %d in the tree, told %q, alarms %q", size, proven, told, alarms)
	}
}
