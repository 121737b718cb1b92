package store_test

import (
	"errors"
	"reflect"
	"testing"

	"unbindd/cmd/unbind-desk/internal/store"
	"unbindd/cmd/unbind-desk/internal/store/storetest"
)

// The base of these tests takes back what it lent, or none of them would notice who keeps
// a row's bytes beyond its transaction.
func TestTheMemoryBaseTakesItsValuesBack(t *testing.T) {
	b := storetest.NewMemory()
	put := func(r store.Rows) error { return r.Put("cases", "a", []byte("as it was")) }
	if err := b.Change(put); err != nil {
		t.Fatal(err)
	}
	for name, run := range map[string]func(func(store.Rows) error) error{"look": b.Look, "change": b.Change} {
		var got []byte
		var rows []store.Row
		err := run(func(r store.Rows) (err error) {
			if got, err = r.Get("cases", "a"); err == nil {
				rows, err = r.List("cases", "", "", 1)
			}
			return err
		})
		if err != nil || len(rows) != 1 || string(got) == "as it was" || string(rows[0].Value) == "as it was" {
			t.Errorf("after a %s: %v, the values are %q and %q", name, err, got, rows)
		}
	}
}

// A record that was read outlives its row: nothing of it is the row's own bytes.
func TestARecordOutlivesItsRow(t *testing.T) {
	s, err := store.New(storetest.NewMemory())
	if err != nil {
		t.Fatal(err)
	}
	k := store.Key{Case: "C-1", Kind: "command", N: 1}
	was := store.Case{ID: "C-1", Terminal: "T-1", State: "gone", Command: leafOf(1), Binding: leafOf(2), Draft: []byte("draft"), Version: 3}
	var kept, object store.Object
	var c store.Case
	err = s.Change(func(tx *store.Tx) (err error) {
		object, err = tx.AddObject(k, store.Object{Digest: leafOf(3), Body: []byte("body")})
		return errors.Join(err, tx.PutCase(was))
	})
	if err == nil {
		err = s.Look(func(tx *store.Tx) (err error) {
			if kept, err = tx.Object(k); err == nil {
				c, err = tx.Case("C-1")
			}
			return err
		})
	}
	if err != nil || !reflect.DeepEqual(kept, object) || !reflect.DeepEqual(c, was) {
		t.Errorf("%v; after the transaction they are %+v and %+v", err, kept, c)
	}
}
