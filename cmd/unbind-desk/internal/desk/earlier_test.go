package desk

import (
	"errors"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/store"
	"unbindd/cmd/unbind-desk/internal/store/storetest"
)

// A terminal is gone, and is shown, in the case it went through, also where another was
// issued meanwhile, and for a courier as for itself.
func TestTheEarlierCaseCounts(t *testing.T) {
	former := envelope.DigestOf([]byte("a former enrolment"))
	for name, c := range map[string]struct {
		earlier, last  State
		binding        envelope.Digest // of the earlier
		shown, ghostIn envelope.ID
	}{
		"one alone":                {"", Issued, anything, "last", ""},
		"one alone, gone":          {"", Gone, anything, "last", "last"},
		"taken after all":          {Accepted, Issued, anything, "earlier", ""},
		"gone":                     {Gone, Issued, anything, "earlier", "earlier"},
		"gone, the other refused":  {Gone, Refused, anything, "earlier", "earlier"},
		"cancelled":                {Cancelled, Issued, anything, "last", ""},
		"cancelled, the last gone": {Cancelled, Gone, anything, "last", "last"},
		"gone as it was enrolled":  {Gone, Issued, former, "last", ""},
	} {
		d := queueing(t, storetest.NewMemory())
		terminal := store.Terminal{ID: "T", Binding: anything, Case: "last"}
		var in envelope.ID
		if err := d.change(func(tx *store.Tx) error {
			err := tx.PutCase(store.Case{ID: "last", Terminal: "T", State: c.last, Command: anything, Binding: anything})
			if c.earlier != "" {
				terminal.Earlier = "earlier"
				err = errors.Join(err, tx.PutCase(store.Case{ID: "earlier", Terminal: "T", State: c.earlier, Command: anything, Binding: c.binding}))
			}
			return errors.Join(err, tx.PutTerminal(terminal))
		}); err != nil {
			t.Fatal(err)
		}
		who, err := d.Carried("T")
		if err != nil || who.Gone != (c.ghostIn != "") {
			t.Errorf("%s: a courier is for %+v, %v", name, who, err)
		}
		if err := d.look(func(tx *store.Tx) (err error) { in, err = goneIn(tx, terminal); return err }); err != nil || in != c.ghostIn {
			t.Errorf("%s: it is gone in %q, %v, want %q", name, in, err, c.ghostIn)
		}
		list, _, err := d.TerminalsScreen("", 9)
		if err != nil || len(list) != 1 || list[0].Case != c.shown {
			t.Errorf("%s: shown is %+v, %v, want %s", name, list, err, c.shown)
		}
	}
}
