package desk

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"unbindd/agent/command"
	"unbindd/cmd/unbind-desk/internal/store"
	"unbindd/cmd/unbind-desk/internal/store/storetest"
)

// One row that does not decode, in whatever an older desk has left, keeps no desk from
// starting. It stays as it is, is told and counted, and the others are taken over.
func TestATakeoverPassesOverWhatIsSpoilt(t *testing.T) {
	for takeover, c := range map[string]struct {
		table  store.Table
		row    string // that is spoilt
		named  string
		spoils func(c *store.Case) // or what its case is made to be, where the row decodes
		lost   store.Table         // what the takeover makes, to be made again
		made   int
	}{
		"cases-placed":     {"cases", "a", `cases "a"`, nil, "states", 1},
		"cases-owned":      {"cases", "a", `cases "a"`, nil, "owners", 1},
		"hooks-found":      {"hooks", "p", `hooks "p\x00\x00\x00\x00\x00\x00\x00\x00\x01"`, nil, "due", 1},
		"successors-noted": {"cases", "a", `cases "a"`, func(c *store.Case) { c.Draft = []byte("{") }, "successors", 0},
		"gone-forgotten":   {"cases", "a", `cases "a"`, func(c *store.Case) { c.State = Gone }, "retired", 0},
		"tickets-queued":   {"cases", "a", `cases "a"`, nil, "wanted", 1},
	} {
		t.Run(takeover, func(t *testing.T) {
			base := storetest.NewMemory()
			d := queueing(t, base)
			if err := d.takeOver(); err != nil {
				t.Fatal(err)
			}
			if err := d.change(func(tx *store.Tx) error {
				for _, id := range []string{"a", "b"} {
					got, err := waiting(tx, id, Accepted, command.GateNone, false)
					if c.spoils != nil && id == "a" {
						c.spoils(&got)
						err = errors.Join(err, tx.PutCase(got))
					}
					if err := errors.Join(err, tx.AddHook(store.Hook{Partner: "p"})); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			var spoilt store.Row
			if err := base.Change(func(r store.Rows) error { // as an older desk left it
				rows, err := r.List(c.lost, "", "", 9)
				for _, row := range rows {
					err = errors.Join(err, r.Remove(c.lost, row.Key))
				}
				bad, err2 := r.List(c.table, c.row, "", 1)
				if err := errors.Join(err, err2, r.Remove("counters", takeover)); err != nil || len(bad) != 1 {
					return fmt.Errorf("%d rows to be spoilt: %w", len(bad), err)
				}
				spoilt = store.Row{Key: bad[0].Key, Value: append([]byte{}, bad[0].Value...)}
				if c.spoils == nil {
					spoilt.Value = []byte(`{"id":`)
				}
				return r.Put(c.table, spoilt.Key, spoilt.Value)
			}); err != nil {
				t.Fatal(err)
			}
			var told []string
			passed := func(what, row string, why error) { told = append(told, what+": "+row) }
			s, err := store.Open(base, func(string, int64) {}, passed)
			if err != nil {
				t.Fatal(err)
			}
			d.Store = s
			d.Trouble = func(what string, _ error) {
				told = append(told, strings.TrimPrefix(what, "passed over by the takeover "))
			}
			if err := d.takeOver(); err != nil {
				t.Fatal(err)
			}
			if len(told) != 1 || told[0] != takeover+": "+c.named {
				t.Errorf("told is %q", told)
			}
			alarms, err := d.Alarms("", "")
			if err != nil || len(alarms) != 1 || alarms[0].Kind != store.SpoiltRow || alarms[0].About != c.named || alarms[0].Count != 1 {
				t.Errorf("the alarms are %+v, %v", alarms, err)
			}
			if err := base.Look(func(r store.Rows) error {
				now, err := r.Get(c.table, spoilt.Key)
				if string(now) != string(spoilt.Value) {
					t.Errorf("the row is %q now", now)
				}
				made, err2 := r.List(c.lost, "", "", 9)
				if len(made) != c.made {
					t.Errorf("%d rows of %s are made, want %d", len(made), c.lost, c.made)
				}
				return errors.Join(err, err2)
			}); err != nil {
				t.Fatal(err)
			}
			told = nil
			if err := d.takeOver(); err != nil || len(told) != 0 {
				t.Errorf("at the next start %q is told, %v", told, err)
			}
		})
	}
}
