package agent

import (
	"context"
	"strings"
	"testing"
	"time"

	"unbindd/device"
)

// More events behind the line than the reader sends at once: they are noted and
// let go group by group, the erase is carried out, and the evidence names each
// once, also when it is asked for again.
func TestMoreLateEventsThanAWindow(t *testing.T) {
	b := newBound(t)
	b.erasing(func(ctx context.Context, e *readerErase) {
		for range 150 {
			_, err := b.sim.Happen("battery")
			b.no(err)
		}
		limited, stop := context.WithTimeout(ctx, 30*time.Second)
		defer stop()
		first, err := e.run(limited)
		b.no(err)
		again, err := (&readerErase{a: b.a, c: e.c, seen: e.seen}).run(limited)
		b.no(err)
		if first.Outcome != outcomeErased || first.Detail != again.Detail || !strings.HasSuffix(first.Detail, "/4") ||
			strings.Count(first.Detail, "-") != 1 {
			t.Errorf("%s: %q, then %q", first.Outcome, first.Detail, again.Detail)
		}
		if held := b.sim.State().Held; held != 0 {
			t.Errorf("%d events are held", held)
		}
	})
}

func TestLateEventsAreNamedInRuns(t *testing.T) {
	var runs []lateRun
	for _, ev := range []device.Event{{Seq: 22, Code: 4}, {Seq: 23, Code: 4}, {Seq: 24, Code: 3}, {Seq: 26, Code: 3}} {
		runs = addLate(runs, ev)
	}
	want := []lateRun{{22, 23, 4}, {24, 24, 3}, {26, 26, 3}}
	if len(runs) != len(want) || runs[0] != want[0] || runs[1] != want[1] || runs[2] != want[2] {
		t.Errorf("runs %+v", runs)
	}
}
