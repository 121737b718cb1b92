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
		for _, older := range []store.Table{"log", "trust"} {
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
