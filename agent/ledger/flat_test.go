package ledger

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
)

// cost is what one opening takes, in things that can be counted.
type cost struct {
	bytes   uint64 // read from files by calls
	calls   uint64
	mallocs uint64
	alloc   uint64 // bytes
}

func ioOf(t testing.TB) (bytes, calls uint64) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		fmt.Sscanf(line, "rchar: %d", &bytes)
		fmt.Sscanf(line, "syscr: %d", &calls)
	}
	return bytes, calls
}

func opening(t testing.TB, dir string, o Options) (c cost) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	bytes, calls := ioOf(t)
	l, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	c.bytes, c.calls = ioOf(t)
	runtime.ReadMemStats(&after)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return cost{c.bytes - bytes, c.calls - calls, after.Mallocs - before.Mallocs, after.TotalAlloc - before.TotalAlloc}
}

// What opening, exporting and verifying take does not depend on how much has been
// sold: not the
// bytes that are read to open, not the heap of any of them. The times at five
// million records are in docs/BENCHMARKS-LEDGER.md; this is why they are as they are.
func TestNothingGrowsWithTheLedger(t *testing.T) {
	if withoutDetector(t) {
		return
	}
	dir := t.TempDir() + "/ledger"
	o := testOptions()
	o.MaxSegment = 8 << 20
	fillTo := func(total uint64) {
		l, err := Open(dir, o)
		if err != nil {
			t.Fatal(err)
		}
		for n := l.Last("PX7-1") + 1; n <= total; n += 1000 {
			mustAppend(t, l, "PX7-1", sales("PX7-1", n, n+999)...)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	const few, many = 10_000, 100_000
	fillTo(few)
	opening(t, dir, o)
	small := opening(t, dir, o)
	base := reading(t, dir, o, few)
	fillTo(many)
	large := opening(t, dir, o)
	t.Logf("opening %d records: %+v, %d: %+v", few, small, many, large)
	// A tree may have one level more, and a list of free pages a few entries.
	if small.bytes > 32*pageSize || large.bytes > small.bytes+16*pageSize || large.calls > small.calls+32 {
		t.Errorf("opening reads %d bytes in %d calls, and %d in %d with %d records", small.bytes, small.calls, large.bytes, large.calls, many)
	}
	if large.mallocs > small.mallocs+200 || large.alloc > small.alloc+32*pageSize {
		t.Errorf("opening allocates %d bytes in %d pieces, and %d in %d", small.alloc, small.mallocs, large.alloc, large.mallocs)
	}
	if most := reading(t, dir, o, many); most > base+1<<20 {
		t.Errorf("the heap grew from %d to %d KiB", base>>10, most>>10)
	}
}

// reading returns the most that the heap held while a ledger was exported and
// verified.
func reading(t testing.TB, dir string, o Options, total int) (most uint64) {
	t.Helper()
	l := mustOpen(t, dir, o)
	lines := 0
	_, _, err := l.Export(context.Background(), 1, func([]byte) error {
		if lines++; lines%(total/10) == 0 {
			most = max(most, heap())
		}
		return nil
	})
	if err != nil || lines != total {
		t.Fatalf("%d lines, %v", lines, err)
	}
	mustVerify(t, l)
	most = max(most, heap())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return most
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
