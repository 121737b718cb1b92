package ledger

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

// pagesOf calls change with every page of that kind that is in the file, the
// out-of-date ones included, and returns how many there were.
func pagesOf(file []byte, kind uint16, change func(page []byte)) (count int) {
	for at := 2 * pageSize; at < len(file); at += pageSize {
		page := file[at : at+pageSize]
		if native.Uint64(page) == uint64(at/pageSize) && native.Uint16(page[8:]) == kind {
			change(page)
			count++
		}
	}
	return count
}

// Damage that bbolt would follow until the memory is gone is found before: at
// the ends of the tree when the ledger is opened, elsewhere when it is read.
func TestPagesAreLookedAtFirst(t *testing.T) {
	l, dir := newLedger(t, small)
	for n := uint64(1); n <= 200; n += 10 { // several commits, three leaves and more
		mustAppend(t, l, "PX7-1", sales("PX7-1", n, n+9)...)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	path := segmentPath(dir, 1)
	pristine, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	child := func(page []byte, i int) []byte { return page[pageHeader+i*elementSize+8:] }
	last := func(page []byte) int { return int(native.Uint16(page[10:])) - 1 }
	var branches []uint64 // of which one is in use
	pagesOf(pristine, branchFlag, func(page []byte) { branches = append(branches, native.Uint64(page)) })
	freeBranches := func(page []byte) {
		native.PutUint16(page[10:], uint16(len(branches)))
		for i, id := range branches {
			native.PutUint64(page[pageHeader+8*i:], id)
		}
	}
	cases := map[string]struct {
		kind   uint16
		change func(page []byte)
		found  string
		open   bool // already when it is opened
	}{
		"first child is its parent": {branchFlag, func(p []byte) { native.PutUint64(child(p, 0), native.Uint64(p)) }, "used twice", true},
		"last child is its parent":  {branchFlag, func(p []byte) { native.PutUint64(child(p, last(p)), native.Uint64(p)) }, "used twice", true},
		"inner child is its parent": {branchFlag, func(p []byte) { native.PutUint64(child(p, 1), native.Uint64(p)) }, "used twice", false},
		"child beyond the end":      {branchFlag, func(p []byte) { native.PutUint64(child(p, 0), 1<<40) }, "does not exist", true},
		"key of 256 MiB":            {branchFlag, func(p []byte) { native.PutUint32(p[pageHeader+4:], 1<<28) }, "a key outside", true},
		"branch runs on":            {branchFlag, func(p []byte) { native.PutUint32(p[12:], 1<<30) }, "the header", true},
		"value of 2 GiB":            {leafFlag, func(p []byte) { native.PutUint32(p[pageHeader+12:], 1<<31) }, "an entry outside", true},
		"record as bucket":          {leafFlag, func(p []byte) { native.PutUint32(p[pageHeader:], 1^native.Uint32(p[pageHeader:])) }, "the kind", true},
		"free list runs on":         {freelistFlag, func(p []byte) { native.PutUint32(p[12:], 1<<30) }, "the header", true},
		"free list names a branch":  {freelistFlag, freeBranches, "free pages", true},
		"free list goes back":       {freelistFlag, func(p []byte) { native.PutUint16(p[10:], 2); clear(p[pageHeader : pageHeader+16]) }, "free pages", true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			harmed := slices.Clone(pristine)
			if pagesOf(harmed, c.kind, c.change) == 0 {
				t.Fatal("there is no such page")
			}
			if err := os.WriteFile(path, harmed, 0o600); err != nil {
				t.Fatal(err)
			}
			o := testOptions()
			small(&o)
			l, err := Open(dir, o)
			if c.open != (err != nil) {
				t.Fatalf("opening it: %v", err)
			}
			if err == nil {
				err = errors.Join(l.Verify(context.Background()), l.Close())
			}
			if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), c.found) {
				t.Fatalf("it answered %v", err)
			}
		})
	}
}

// After damage was seen nothing is written any more, not even by Close.
func TestNothingIsWrittenAfterDamage(t *testing.T) {
	t.Run("append, then close", func(t *testing.T) { assertNotWritten(t, true) })
	t.Run("close", func(t *testing.T) { assertNotWritten(t, false) })
}

func assertNotWritten(t *testing.T, appending bool) {
	l, dir := newLedger(t, small)
	mustAppend(t, l, "PX7-1", sales("PX7-1", 1, 10)...)
	path := segmentPath(dir, 1)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	harmed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pagesOf(harmed, leafFlag, func(page []byte) {
		entries := pageHeader + elementSize*int(native.Uint16(page[10:]))
		page[entries+40] ^= 1 // in the first entry's value
	})
	if _, err := f.WriteAt(harmed, 0); err != nil {
		t.Fatal(err)
	}
	if err := l.Verify(context.Background()); !errors.Is(err, ErrDamaged) {
		t.Fatalf("the damage was not seen: %v", err)
	}
	if appending {
		if _, err := l.Append("PX7-1", sales("PX7-1", 11, 11)); !errors.Is(err, ErrDamaged) {
			t.Fatalf("appending answered %v", err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(path); err != nil || !slices.Equal(after, harmed) {
		t.Fatalf("the file was changed (%v)", err)
	}
}

// An opening that bbolt breaks off leaves no lock behind.
func TestBrokenOpeningLeavesNoLock(t *testing.T) {
	l, dir := newLedger(t, small)
	mustAppend(t, l, "PX7-1", sales("PX7-1", 1, 10)...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	path := segmentPath(dir, 1)
	pristine, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	harmed := slices.Clone(pristine)
	pagesOf(harmed, freelistFlag, func(page []byte) { native.PutUint16(page[8:], leafFlag) })
	if err := os.WriteFile(path, harmed, 0o600); err != nil {
		t.Fatal(err)
	}
	o := testOptions()
	small(&o)
	if err := openAndVerify(dir, o); !errors.Is(err, ErrDamaged) {
		t.Fatalf("it answered %v", err)
	}
	if err := os.WriteFile(path, pristine, 0o600); err != nil {
		t.Fatal(err)
	}
	mustVerify(t, mustOpen(t, dir, o))
}
