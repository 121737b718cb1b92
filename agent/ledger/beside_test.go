package ledger

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
)

// beside is a ledger of the same key and binding.
func beside(t *testing.T, name string) *Ledger {
	t.Helper()
	l, err := Open(filepath.Join(t.TempDir(), name), smallOptions())
	must(err)
	t.Cleanup(func() { must(l.Close()) })
	return l
}

// What another ledger has is taken over once, refusals and losses as they are; a
// number between the two is lost, and one that only begins there is not.
func TestTakeFrom(t *testing.T) {
	ctx := context.Background()
	own, other, none := beside(t, "own"), beside(t, "other"), beside(t, "none")
	mustAppend(t, own, "PX7-1", sales("PX7-1", 1, 50)...)
	mustAppend(t, own, "PX7-1", sales("PX7-1", 51, 100)...)
	must(other.BeginAfter("PX7-1", 102))
	for n := uint64(103); n <= 300; n += 66 {
		mustAppend(t, other, "PX7-1", sales("PX7-1", n, n+65)...)
	}
	mustAppend(t, other, "PX7-1", Event{Seq: 301, Body: []byte(`{"pan":"x"}`)}, Event{Seq: 302, Lost: true})
	if tally := other.Tally(); tally.Lost != 1 || tally.Refused != 3 || tally.Count != 198 {
		t.Errorf("the other has %+v", tally)
	}
	for range 2 {
		must(own.TakeFrom(ctx, other, "PX7-1"))
		must(own.Verify(ctx))
		if tally := own.Tally(); own.Last("PX7-1") != 302 || tally.Count != 298 || tally.Lost != 3 || tally.Refused != 4 {
			t.Errorf("event %d, %+v", own.Last("PX7-1"), tally)
		}
	}
	var codes []string
	_, _, err := own.Export(ctx, 301, func(line []byte) error {
		rec, err := ParseRecord(line[76 : len(line)-2])
		codes = append(codes, rec.Code)
		return err
	})
	if err != nil || len(codes) != 2 || codes[0] == codeLost || codes[0] == "" || codes[1] != codeLost {
		t.Errorf("%v %v", codes, err)
	}
	must(none.TakeFrom(ctx, own, "PX7-1")) // one that has nothing begins where the other does
	if a, b := none.Tally(), own.Tally(); a.Count != b.Count || a.Refused != b.Refused || a.Lost != b.Lost {
		t.Errorf("%+v of %+v", a, b)
	}
	far := beside(t, "far")
	must(far.BeginAfter("PX7-1", 1<<30))
	if err := own.TakeFrom(ctx, far, "PX7-1"); LossOf(err) != EndGone || !errors.Is(err, ErrDamaged) || own.Last("PX7-1") != 302 {
		t.Errorf("over a million numbers: %v", err)
	}
}

// An end that is known from outside is told as such where nothing else is said of
// the last segment.
func TestAnOpenEndIsTold(t *testing.T) {
	for loss, want := range map[Loss]Loss{"": EndGone, CutShort: CutShort} {
		r := Report{Records: 7, Whole: 7, Segments: []Segment{{Segment: 1, First: 1, Last: 7, Whole: 7, Open: true, Damage: "x", Loss: loss}}}
		r.endAt(9)
		if r.Loss() != want || r.Records != 9 || r.Segments[0].Last != 9 {
			t.Errorf("%q: %+v", loss, r)
		}
	}
}
