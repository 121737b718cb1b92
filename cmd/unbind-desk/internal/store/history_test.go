package store_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/store"
	"unbindd/cmd/unbind-desk/internal/store/storetest"
)

// The lines of a case stay in their order and none takes another's place, whoever
// numbered those before: this desk by version, the one before it by a count, an older
// one by a number that all cases shared. And the desk before this one can go on.
func TestEveryVersionHasItsLine(t *testing.T) {
	for name, before := range map[string]struct {
		numbers []uint64
		counted string // what the desk before this one left, "" for nothing
	}{
		"new":                                  {},
		"numbered by all, later":               {numbers: []uint64{40, 70}},
		"numbered by all, and then by a count": {numbers: []uint64{40, 41}, counted: "41"},
		"counted":                              {numbers: []uint64{1, 2}, counted: "2"},
		"numbered by all, earlier":             {numbers: []uint64{1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			b := storetest.NewMemory()
			s, err := store.New(b)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			if err := b.Change(func(r store.Rows) (err error) {
				for _, n := range before.numbers {
					want = append(want, fmt.Sprint("old ", n))
					key := "C-1\x00" + string(binary.BigEndian.AppendUint64(nil, n))
					err = errors.Join(err, r.Put("history", key, fmt.Appendf(nil, `{"at":1,"state":"issued","what":"old %d"}`, n)))
				}
				if before.counted != "" {
					err = errors.Join(err, r.Put("counters", "history-C-1", []byte(before.counted)))
				}
				// Of another case, whose name begins alike.
				return errors.Join(err, r.Put("history", "C-10\x00"+string(binary.BigEndian.AppendUint64(nil, 90)), []byte("{}")))
			}); err != nil {
				t.Fatal(err)
			}
			c := store.Case{ID: "C-1", Terminal: "T-1", State: "issued", Draft: []byte("{}"), Command: envelope.DigestOf(nil), Binding: envelope.DigestOf(nil)}
			c.Version = int64(len(before.numbers))
			for i := range 6 {
				c.Version++
				what := fmt.Sprint("line ", i)
				want = append(want, what)
				if err := s.Change(func(tx *store.Tx) error {
					if i%3 == 2 { // the desk before this one counts, from what it finds
						return tx.Note(c.ID, store.Entry{At: 1, State: c.State, What: what})
					}
					return tx.NoteVersion(c, store.Entry{At: 1, State: c.State, What: what})
				}); err != nil {
					t.Fatalf("%s: %v", what, err)
				}
			}
			var got []string
			if err := s.Look(func(tx *store.Tx) error {
				history, err := tx.History(c.ID)
				for _, e := range history {
					got = append(got, e.What)
				}
				return err
			}); err != nil || !slices.Equal(got, want) {
				t.Fatalf("the lines are %q, want %q: %v", got, want, err)
			}
		})
	}
}
