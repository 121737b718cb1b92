package desk

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/blob/blobtest"
	"unbindd/cmd/unbind-desk/internal/grounds"
	"unbindd/cmd/unbind-desk/internal/store"
	"unbindd/cmd/unbind-desk/internal/store/storetest"
)

// spoil makes the first row of a table, from a key on, one that does not decode.
func spoil(t *testing.T, base store.Base, table store.Table, like string) {
	t.Helper()
	if err := base.Change(func(r store.Rows) error {
		rows, err := r.List(table, like, "", 1)
		if err != nil || len(rows) != 1 {
			return fmt.Errorf("%d rows to be spoilt: %w", len(rows), err)
		}
		return r.Put(table, rows[0].Key, []byte(`{"id":`))
	}); err != nil {
		t.Fatal(err)
	}
}

// A case that cannot be read stands in every list that leads to it, marked, and nobody
// who pages through one ends at it.
func TestASpoiltCaseEndsNoList(t *testing.T) {
	base := storetest.NewMemory()
	d := queueing(t, base)
	if err := d.change(func(tx *store.Tx) (err error) {
		for i, id := range []envelope.ID{"a", "b", "c"} {
			err = errors.Join(err, tx.PutCase(store.Case{ID: id, Terminal: "T", State: Issued, Since: int64(100 + i), Command: anything, Binding: anything}))
		}
		return errors.Join(err, tx.PutTerminal(store.Terminal{ID: "T", Case: "b"}), tx.PutTerminal(store.Terminal{ID: "U"}))
	}); err != nil {
		t.Fatal(err)
	}
	spoil(t, base, "cases", "b")
	for name, c := range map[string]struct {
		by   Query
		want Brief
	}{
		"all":                      {Query{}, Brief{Case: "b", Spoilt: true}},
		"in a state":               {Query{State: Issued}, Brief{Case: "b", State: Issued, Since: 101, Spoilt: true}},
		"of a terminal":            {Query{Terminal: "T"}, Brief{Case: "b", Terminal: "T", Spoilt: true}},
		"of a terminal in a state": {Query{Terminal: "T", State: Issued}, Brief{Case: "b", Terminal: "T", Spoilt: true}},
	} {
		var all []Brief
		for q := c.by; ; {
			page, err := d.Cases(q, 1)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if all = append(all, page.Cases...); page.Next == "" {
				break
			}
			q.After = page.Next
		}
		if len(all) != 3 || all[1] != c.want || all[0].Case != "a" || all[2].Case != "c" || all[0].Spoilt || all[2].Spoilt {
			t.Errorf("%s: %+v", name, all)
		}
	}
	late, err := d.Overdue(1, "")
	if err != nil || len(late.Cases) != 3 || late.Cases[1].Brief != (Brief{Case: "b", State: Issued, Since: 101, Spoilt: true}) {
		t.Errorf("overdue are %+v, %v", late.Cases, err)
	}
	known, _, err := d.TerminalsScreen("", 9)
	if err != nil || len(known) != 2 || known[0].Case != "b" || known[0].State != "" {
		t.Errorf("the terminals are %+v, %v", known, err)
	}
}

// A row of a file that came in part, or a message to a partner, that cannot be read is
// told once, and keeps nobody else from his.
func TestASpoiltRowKeepsNobodyElse(t *testing.T) {
	base := storetest.NewMemory()
	d := queueing(t, base)
	d.Blobs = blobtest.NewMemory()
	var told []string
	d.Trouble = func(what string, _ error) { told = append(told, what) }
	if err := d.change(func(tx *store.Tx) (err error) {
		for _, id := range []envelope.ID{"a", "b"} {
			err = errors.Join(err, tx.PutPart(store.Part{Key: store.Key{Case: id, Kind: grounds.KindBackup, N: 1}, Digest: anything}), tx.AddHook(store.Hook{Partner: "p", Body: []byte("{}")}))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	spoil(t, base, "parts", "a")
	spoil(t, base, "hooks", "p")
	for range 2 {
		if err := d.dropExpired(); err != nil {
			t.Fatal(err)
		}
	}
	h, ok, err := d.DueHook("p", 60)
	if err != nil || !ok || h.N != 2 {
		t.Errorf("due is %+v, %v, %v", h, ok, err)
	}
	if err := d.HookDone(h); err != nil {
		t.Error(err)
	}
	if _, ok, err := d.DueHook("p", 60); ok || err != nil {
		t.Errorf("something is due: %v, %v", ok, err)
	}
	if want := []string{
		`a file that came in part was passed over: "a\x00backup\x00\x00\x00\x00\x00\x00\x00\x00\x01"`, `a message was passed over: number 1 of partner "p"`,
	}; !slices.Equal(told, want) {
		t.Errorf("told are %q", told)
	}
	if err := d.look(func(tx *store.Tx) error {
		_, err := tx.Part(store.Key{Case: "b", Kind: grounds.KindBackup, N: 1})
		return err
	}); !errors.Is(err, store.ErrAbsent) {
		t.Errorf("a file that stopped coming is there: %v", err)
	}
}
