package ledger

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func small(o *Options) { o.MaxSegment = minMaxSegment }

// fill appends until the ledger has that many segments.
func fill(t testing.TB, l *Ledger, dir string, segments uint64) {
	t.Helper()
	for n := l.Last("PX7-1") + 1; ; n += 50 {
		mustAppend(t, l, "PX7-1", sales("PX7-1", n, n+49)...)
		count, err := countSegments(dir)
		if err != nil {
			t.Fatal(err)
		}
		if count == segments {
			return
		}
	}
}

func TestRoll(t *testing.T) {
	l, dir := newLedger(t, small)
	fill(t, l, dir, 3)
	mustVerify(t, l)
	lines, head, tally := export(t, l, 1)
	if uint64(len(lines)) != l.Head().Seq || head != l.Head() || tally.Count != l.Tally().Count {
		t.Fatalf("%d lines of %d", len(lines), l.Head().Seq)
	}
	for n := uint64(1); n <= 3; n++ {
		info, err := os.Stat(segmentPath(dir, n))
		if err != nil || info.Size() > minMaxSegment {
			t.Fatalf("segment %d: %d bytes, %v", n, info.Size(), err)
		}
	}
	before := l.Tally()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	o := testOptions()
	small(&o)
	l = mustOpen(t, dir, o)
	if got := l.Tally(); got.Count != before.Count || l.Head() != head {
		t.Fatal("the totals did not survive reopening")
	}
	mustAppend(t, l, "PX7-1", sales("PX7-1", 2, l.Last("PX7-1")+1)[l.Last("PX7-1")-5:]...)
	mustVerify(t, l)
}

// Export from any record gives the same lines as the whole export's tail.
func TestExportFromEverywhere(t *testing.T) {
	l, dir := newLedger(t, small)
	fill(t, l, dir, 3)
	all, head, _ := export(t, l, 1)
	for from := uint64(1); from <= head.Seq+1; from += 97 {
		assertTail(t, l, all, from)
	}
	assertTail(t, l, all, head.Seq)
	assertTail(t, l, all, head.Seq+1)
	if _, _, err := l.Export(context.Background(), head.Seq+2, nil); err == nil {
		t.Fatal("an export from beyond the end succeeded")
	}
}

func assertTail(t *testing.T, l *Ledger, all []string, from uint64) {
	t.Helper()
	lines, head, tally := export(t, l, from)
	if strings.Join(lines, "") != strings.Join(all[from-1:], "") || head != l.Head() {
		t.Fatalf("from %d: %d lines of %d", from, len(lines), len(all)-int(from)+1)
	}
	if tally.Records() != uint64(len(lines)) || len(lines) > 0 && tally.First != from {
		t.Fatalf("from %d: tally %+v", from, tally)
	}
}

func TestMissingOrSwappedSegment(t *testing.T) {
	l, dir := newLedger(t, small)
	fill(t, l, dir, 3)
	cases := map[string]func(dir string) error{
		"first gone":  func(dir string) error { return os.Remove(segmentPath(dir, 1)) },
		"middle gone": func(dir string) error { return os.Remove(segmentPath(dir, 2)) },
		"swapped": func(dir string) error {
			return errors.Join(
				os.Rename(segmentPath(dir, 1), filepath.Join(dir, "aside")),
				os.Rename(segmentPath(dir, 2), segmentPath(dir, 1)),
				os.Rename(filepath.Join(dir, "aside"), segmentPath(dir, 2)))
		},
		"one cut short": func(dir string) error { return os.Truncate(segmentPath(dir, 2), 64<<10) },
		"last cut":      func(dir string) error { return os.Truncate(segmentPath(dir, 3), 9000) },
		"last empty":    func(dir string) error { return os.Truncate(segmentPath(dir, 3), 0) },
	}
	for name, harm := range cases {
		t.Run(name, func(t *testing.T) {
			copied := copyLedger(t, dir)
			if err := harm(copied); err != nil {
				t.Fatal(err)
			}
			o := testOptions()
			small(&o)
			if err := openAndVerify(copied, o); !errors.Is(err, ErrDamaged) {
				t.Fatalf("it answered %v", err)
			}
		})
	}
}

func openAndVerify(dir string, o Options) error {
	l, err := Open(dir, o)
	if err != nil {
		return err
	}
	return errors.Join(l.Verify(context.Background()), l.Close())
}

// A power cut between making the next segment and the first record in it.
func TestEmptyLastSegment(t *testing.T) {
	l, dir := newLedger(t)
	mustAppend(t, l, "PX7-1", sales("PX7-1", 1, 10)...)
	l.writing.Lock()
	err := l.roll()
	l.writing.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	head := l.Head()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = mustOpen(t, dir, testOptions())
	if l.Head() != head || l.Last("PX7-1") != 10 {
		t.Fatalf("head %d, last %d", l.Head().Seq, l.Last("PX7-1"))
	}
	assertTail(t, l, linesOf(export(t, l, 1)), 11)
	mustAppend(t, l, "PX7-1", sale("PX7-1", 11))
	mustVerify(t, l)
}

func linesOf(lines []string, _ Head, _ Tally) []string { return lines }

// An export sees the ledger as it was when it began, whatever is appended.
func TestExportWhileAppending(t *testing.T) {
	l, _ := newLedger(t)
	mustAppend(t, l, "PX7-1", sales("PX7-1", 1, 20)...)
	want := l.Head()
	more := make(chan error, 1)
	n := 0
	head, _, err := l.Export(context.Background(), 1, func([]byte) error {
		if n++; n == 5 {
			go func() {
				_, err := l.Append("PX7-1", sales("PX7-1", 21, 40))
				more <- err
			}()
			return <-more
		}
		return nil
	})
	if err != nil || n != 20 || head != want {
		t.Fatalf("%d lines, %v", n, err)
	}
	mustVerify(t, l)
}

func TestExportStopsWhenAsked(t *testing.T) {
	l, _ := newLedger(t)
	mustAppend(t, l, "PX7-1", sales("PX7-1", 1, 600)...)
	stop := errors.New("stop")
	if _, _, err := l.Export(context.Background(), 1, func([]byte) error { return stop }); !errors.Is(err, stop) {
		t.Fatalf("an error of the caller became %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	n := 0
	_, _, err := l.Export(ctx, 1, func([]byte) error {
		n++
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || n >= 600 {
		t.Fatalf("%d lines after the cancel, %v", n, err)
	}
	defer func() {
		if recover() != "the caller's own" {
			t.Error("a panic of the caller was taken for damage")
		}
	}()
	l.Export(context.Background(), 1, func([]byte) error { panic("the caller's own") })
}

// Opening costs the same whatever has been sold: it looks at the last segment
// only. What is wrong with an older one is for Verify and for whoever exports it.
func TestOpenLooksAtTheLastSegmentOnly(t *testing.T) {
	l, dir := newLedger(t, small)
	fill(t, l, dir, 3)
	last := l.Last("PX7-1")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for n := uint64(1); n <= 2; n++ {
		info, err := os.Stat(segmentPath(dir, n))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(segmentPath(dir, n), make([]byte, info.Size()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := testOptions()
	small(&o)
	l = mustOpen(t, dir, o)
	if l.Last("PX7-1") != last {
		t.Fatalf("the last event is %d, was %d", l.Last("PX7-1"), last)
	}
	mustAppend(t, l, "PX7-1", sales("PX7-1", last+1, last+1)...)
	if err := l.Verify(context.Background()); !errors.Is(err, ErrDamaged) {
		t.Fatalf("the older segments were not looked at by Verify either: %v", err)
	}
}

// No segment is larger than 32-bit terminals can map beside everything else.
func TestSegmentsAreSmallEnoughFor32Bits(t *testing.T) {
	o := testOptions()
	o.MaxSegment = 0
	l, err := prepare(t.TempDir(), o)
	if err != nil || l.max > 128<<20 {
		t.Fatalf("a segment may have %d bytes, %v", l.max, err)
	}
}

// A segment that was allowed to grow larger than the limit is now is read, and
// nothing is added to it: the next record begins the next segment.
func TestSegmentLargerThanTheLimit(t *testing.T) {
	l, dir := newLedger(t)
	for n := uint64(1); n <= 4000; n += 500 {
		mustAppend(t, l, "PX7-1", sales("PX7-1", n, n+499)...)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(segmentPath(dir, 1))
	if err != nil || before.Size() <= minMaxSegment {
		t.Fatalf("the segment has %d bytes, %v", before.Size(), err)
	}
	l = mustOpen(t, dir, smallOptions())
	mustAppend(t, l, "PX7-1", sale("PX7-1", 4001))
	mustVerify(t, l)
	after, err := os.Stat(segmentPath(dir, 1))
	if err != nil || after.Size() != before.Size() || l.current.Load().segment != 2 {
		t.Fatalf("the first segment grew from %d to %d, the last is %d (%v)", before.Size(), after.Size(), l.current.Load().segment, err)
	}
}
