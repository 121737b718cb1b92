package ledger

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
)

// killedAfter is what a process leaves that was killed after so many commits of
// one record: only one meta page leads to the last of them.
func killedAfter(t testing.TB, commits int) (dir string, want []string) {
	t.Helper()
	l, open := newLedger(t, small)
	for n := range uint64(commits) {
		mustAppend(t, l, "PX7-1", sale("PX7-1", n+1))
	}
	want, _, _ = export(t, l, 1)
	return copyLedger(t, open), want
}

// loseMeta flips one byte in the newer meta page, or in the older one.
func loseMeta(newer bool) func(file []byte) []byte {
	return func(file []byte) []byte {
		number := func(page int) uint64 { return native.Uint64(file[page*pageSize+pageHeader+metaSize-16:]) }
		page := 0
		if (number(1) > number(0)) == newer {
			page = 1
		}
		file[page*pageSize+pageHeader+20] ^= 1
		return file
	}
}

// The last acknowledged commit hangs on one meta page. Where that is lost, the
// check does not call the rest whole, and the repair has all of it.
func TestCheckLooksBehindALostMetaPage(t *testing.T) {
	dir, want := killedAfter(t, 20)
	harm(t, segmentPath(dir, 1), loseMeta(true))
	r, err := Check(context.Background(), dir, smallOptions())
	if err != nil {
		t.Fatal(err)
	}
	if r.Sound() || !r.Complete() || r.Whole != 20 || !r.Segments[0].Mendable {
		t.Errorf("check: %+v: %s", r, r.Sentence())
	}
	if r, err = Repair(context.Background(), dir, smallOptions()); err != nil || !r.Sound() || r.Whole != 20 {
		t.Fatalf("repair: %+v, %v", r, err)
	}
	l := mustOpen(t, dir, smallOptions())
	mustVerify(t, l)
	if got, _, _ := export(t, l, 1); !slices.Equal(got, want) {
		t.Error("the repaired ledger is another one")
	}
}

// What lies behind the end and cannot be followed leaves it open where it ends.
func TestCheckLeavesOpenWhatItCannotFollow(t *testing.T) {
	dir, _ := killedAfter(t, 20)
	path := segmentPath(dir, 1)
	places, size := holdsRecord(t, path, 1, 20)
	harm(t, path, loseMeta(true))
	harm(t, path, func(file []byte) []byte {
		for _, at := range places {
			file[int(at)+size/2] ^= 1
		}
		return file
	})
	r, err := Repair(context.Background(), dir, smallOptions())
	if err != nil || r.Sound() || r.Complete() || r.Changed() || !strings.Contains(r.Sentence(), "20 cannot be read") {
		t.Errorf("%+v, %v: %s", r, err, r.Sentence())
	}
}

// A terminal comes up by itself with all that was acknowledged, and goes on.
func TestOpenRejoinsTheLastCommit(t *testing.T) {
	for name, newer := range map[string]bool{"the newer": true, "the older": false} {
		t.Run(name, func(t *testing.T) {
			dir, want := killedAfter(t, 20)
			harm(t, segmentPath(dir, 1), loseMeta(newer))
			l := mustOpen(t, dir, smallOptions())
			if got, _, _ := export(t, l, 1); !slices.Equal(got, want) {
				t.Fatalf("%d records of %d", len(got), len(want))
			}
			mustVerify(t, l)
			mustAppend(t, l, "PX7-1", sales("PX7-1", 20, 21)...) // the first is known already
			if l.Head().Seq != 21 {
				t.Errorf("it goes on to record %d", l.Head().Seq)
			}
			if names := folder(t, dir); len(names) != 1 {
				t.Errorf("in the folder are %v", names)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if r, err := Check(context.Background(), dir, smallOptions()); err != nil || !r.Sound() || r.Whole != 21 {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}

// A copy that a cut left unfinished is made anew: the segment was not written to.
func TestRejoinThatWasCut(t *testing.T) {
	dir, want := killedAfter(t, 20)
	path := segmentPath(dir, 1)
	harm(t, path, loseMeta(true))
	if err := os.WriteFile(path+freshSuffix, make([]byte, 3*pageSize), 0o600); err != nil {
		t.Fatal(err)
	}
	l := mustOpen(t, dir, smallOptions())
	if got, _, _ := export(t, l, 1); !slices.Equal(got, want) {
		t.Errorf("%d records of %d", len(got), len(want))
	}
}
