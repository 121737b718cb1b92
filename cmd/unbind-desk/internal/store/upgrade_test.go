package store_test

import (
	"encoding/binary"
	"errors"
	"testing"

	"unbindd/cmd/unbind-desk/internal/store"
	"unbindd/cmd/unbind-desk/internal/store/storetest"
)

func keyOf(n int) string { return string(binary.BigEndian.AppendUint64(nil, uint64(n))) }

// An older desk finds no trust bundle in a store that was taken over, and so does
// not start; it would give out the numbers of leaves that are there.
func TestAnOlderDeskFindsNothingToStartOn(t *testing.T) {
	b := takenOver(t, 9)
	if err := b.Look(func(r store.Rows) error {
		for _, older := range []store.Table{"log", "trust", "bundles", "versions"} {
			rows, err := r.List(older, "", "", 1)
			if len(rows) != 0 || err != nil {
				t.Errorf("the older table %s has rows: %v", older, err)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	s, err := store.New(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Look(func(tx *store.Tx) error {
		bundles, err := tx.Bundles(0)
		if len(bundles) != 1 || string(bundles[0]) != "abc" {
			t.Errorf("the bundles are %q", bundles)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// A store in which another hand has written leaves, under the old name or the
// new one, is not opened.
func TestALogOfAnotherHandIsRefused(t *testing.T) {
	other := []byte(`"` + string(leafOf(77)) + `"`)
	for name, c := range map[string]struct {
		table store.Table
		n     int
		value []byte
	}{
		"a leaf written over":              {"leaves", 8, other},
		"a leaf written over, in the tree": {"leaves", 3, other},
		"a leaf beyond the end":            {"leaves", 9, other},
		"a leaf of an older desk":          {"log", 0, other},
		"a new leaf of an older desk":      {"log", 9, other},
		"a bundle of an older desk":        {"trust", 1, []byte(`"eHl6"`)},
		"a bundle of a less old desk":      {"bundles", 1, []byte(`"eHl6"`)},
		"a bundle of the desk before":      {"versions", 1, []byte(`"eHl6"`)},
	} {
		b := takenOver(t, 9)
		if err := b.Change(func(r store.Rows) error { return r.Put(c.table, keyOf(c.n), c.value) }); err != nil {
			t.Fatal(err)
		}
		for range 2 { // and not at the second try either
			if _, err := store.New(b); err == nil {
				t.Errorf("%s: the store was opened", name)
			}
		}
	}
}

// A store whose trust lies where one of the desks before this one had it is taken over:
// that desk then finds no trust, and does not change messages that it knows half of, or
// take manifests that it queues for no ticket. What the oldest has changed until then is
// mended: a message that is found nowhere is found.
func TestAStoreOfTheDeskBeforeIsTakenOver(t *testing.T) {
	for _, table := range []store.Table{"bundles", "versions"} {
		t.Run(string(table), func(t *testing.T) {
			b := ofTheDeskBefore(t, table)
			s, err := store.New(b)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Look(func(tx *store.Tx) error {
				bundles, err := tx.Bundles(0)
				if len(bundles) != 1 || string(bundles[0]) != "abc" {
					t.Errorf("the bundles are %q", bundles)
				}
				h, err2 := tx.FirstHook("p", nil)
				if h.N != 1 {
					t.Errorf("the message that is due is %d", h.N)
				}
				return errors.Join(err, err2)
			}); err != nil {
				t.Fatal(err)
			}
			if err := b.Look(func(r store.Rows) error {
				rows, err := r.List(table, "", "", 1)
				if len(rows) != 0 {
					t.Error("the desk before this one finds trust to start on")
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// ofTheDeskBefore is a store with trust in a table of an older desk, and a message that
// it finds by its number alone.
func ofTheDeskBefore(t *testing.T, table store.Table) store.Base {
	t.Helper()
	b := storetest.NewMemory()
	s, err := store.New(b)
	if err == nil {
		err = s.Change(func(tx *store.Tx) error {
			return errors.Join(tx.AddTrust(1, []byte("abc")), tx.AddHook(store.Hook{Partner: "p", Next: 5}))
		})
	}
	if err == nil {
		err = b.Change(func(r store.Rows) error { // as it left them
			due, err := r.List("due", "", "", 1)
			if err != nil || len(due) != 1 {
				return errors.Join(err, errors.New("the message is not found by its time"))
			}
			return errors.Join(
				r.Remove("chain", keyOf(1)), r.Put(table, keyOf(1), []byte(`"YWJj"`)), r.Remove("due", due[0].Key),
				r.Remove("counters", "hooks-found"), r.Put("counters", "hooks-due", []byte("1")),
			)
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func takenOver(t *testing.T, leaves int) store.Base {
	t.Helper()
	b := storetest.NewMemory()
	older(t, b, leaves)
	err := b.Change(func(r store.Rows) error { return r.Put("trust", keyOf(1), []byte(`"YWJj"`)) })
	_, err2 := store.New(b)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return b
}
