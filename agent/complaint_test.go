package agent

import (
	"context"
	"errors"
	"strings"
	"testing"

	"unbindd/agent/journal"
)

// A step that cannot be undone is tried again and again; the log has the first failure,
// another reason, and the end.
func TestAnUndoThatFailsIsLoggedWhenItChanges(t *testing.T) {
	b := newBound(t)
	b.accept()
	tries := 0
	c := b.carrier(journal.Plan{Reversible: []journal.Step{
		{Name: "seal-backup", Do: func(context.Context, *journal.Note) error { return nil }, Undo: func(context.Context, *journal.Note) error {
			switch tries++; {
			case tries < 4:
				return errors.New("no such medium")
			case tries < 6:
				return errors.New("read-only")
			}
			return nil
		}},
		{Name: "deliver-backup", Do: func(context.Context, *journal.Note) error { return giveUp("E22", "unsettled", "cannot go on") }},
	}})
	c.Watch = b.a.watch
	if run, err := c.Carry(b.ctx); err != nil || run.Outcome != journal.Undone || tries != 6 {
		t.Fatalf("%+v after %d tries, %v", run, tries, err)
	}
	said := b.log.String()
	for what, want := range map[string]int{
		`"step":"seal-backup","moment":"undoing"`: 1, "no such medium": 1, "read-only": 1,
		`"step":"seal-backup","moment":"undone"`: 1, `"step":"seal-backup","moment":"recorded"`: 1,
	} {
		if got := strings.Count(said, what); got != want {
			t.Errorf("%d lines have %s, want %d:\n%s", got, what, want, said)
		}
	}
}

// A step that fails when it is done is told at every try, as before.
func TestAStepThatFailsIsLoggedEveryTime(t *testing.T) {
	b := newBound(t)
	b.accept()
	tries := 0
	c := b.carrier(journal.Plan{Reversible: []journal.Step{{Name: "settle", Do: func(context.Context, *journal.Note) error {
		if tries++; tries < 3 {
			return errors.New("no answer")
		}
		return giveUp("E22", "unsettled", "cannot go on")
	}}}})
	c.Watch = b.a.watch
	if run, err := c.Carry(b.ctx); err != nil || run.Outcome != journal.Undone {
		t.Fatalf("%+v, %v", run, err)
	}
	if got := strings.Count(b.log.String(), "no answer"); got != 2 {
		t.Errorf("%d lines, want 2:\n%s", got, b.log.String())
	}
}

// A floor that cannot be written down, and a challenge that cannot be cleared away, are
// told once, and once more when it works again.
func TestAFloorThatIsNotWrittenIsToldOnce(t *testing.T) {
	const at = 1795392000
	b, d := onFullDisk(t)
	b.no(b.told("receipt-1", at, same))
	var c complaint
	lines := func(failed, again int) {
		t.Helper()
		b.a.keepFloor(&c)
		said := b.log.String()
		if strings.Count(said, "cannot be written down") != failed || strings.Count(said, "is written down again") != again {
			t.Errorf("the log says\n%s", said)
		}
	}
	d.full = true
	lines(1, 0)
	lines(1, 0)
	d.full = false
	lines(1, 1)
	lines(1, 1)
	b.no(b.told("receipt-1", at+60, same))
	d.full = true
	lines(2, 1)
}
