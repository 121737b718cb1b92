package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

// tampers is how many changes are tried; make tamper tries more.
func tampers() int {
	if n, err := strconv.Atoi(os.Getenv("TAMPERS")); err == nil {
		return n
	}
	return 240
}

// tampered is a ledger in memory that is changed and put on disk again and again.
type tampered struct {
	dir    string
	now    map[string][]byte // as it is
	older  map[string][]byte // as it was some records ago
	late   map[string][]byte // as it was a few records ago, in its last segment
	other  map[string][]byte // another ledger of the same key and binding
	head   Head              // as somebody outside knows it
	lines  []string
	random *rand.Rand
}

// changes are what somebody with the medium, or the medium itself, can do. Each
// says what it did, or "" if it did nothing this time.
var changes = map[string]func(x *tampered, files map[string][]byte, name string) string{
	"flip": func(x *tampered, f map[string][]byte, name string) string {
		at, bit := x.place(f[name]), x.random.IntN(8)
		f[name][at] ^= 1 << bit
		return fmt.Sprintf("bit %d of byte %d", bit, at)
	},
	"garbage page": func(x *tampered, f map[string][]byte, name string) string {
		page := x.random.IntN(len(f[name])/pageSize) * pageSize
		for i := range pageSize {
			f[name][page+i] = byte(x.random.Uint32())
		}
		return fmt.Sprintf("the page at %d", page)
	},
	"zeros": func(x *tampered, f map[string][]byte, name string) string {
		page := x.random.IntN(len(f[name])/pageSize) * pageSize
		clear(f[name][page:min(len(f[name]), page+pageSize*(1+x.random.IntN(4)))])
		return fmt.Sprintf("from %d on", page)
	},
	"all zeros": func(x *tampered, f map[string][]byte, name string) string { clear(f[name]); return "all of it" },
	"truncate": func(x *tampered, f map[string][]byte, name string) string {
		f[name] = f[name][:x.random.IntN(len(f[name]))]
		return fmt.Sprintf("to %d", len(f[name]))
	},
	"swap pages": func(x *tampered, f map[string][]byte, name string) string {
		a, b := x.random.IntN(len(f[name])/pageSize)*pageSize, x.random.IntN(len(f[name])/pageSize)*pageSize
		first := slices.Clone(f[name][a : a+pageSize])
		copy(f[name][a:], f[name][b:b+pageSize])
		copy(f[name][b:], first)
		return fmt.Sprintf("those at %d and %d", a, b)
	},
	"splice pages": func(x *tampered, f map[string][]byte, name string) string {
		from := x.other[name]
		if x.random.IntN(2) == 0 {
			from = x.older[name]
		}
		n := min(len(from), len(f[name])) / pageSize
		if n == 0 {
			return ""
		}
		at := x.random.IntN(n) * pageSize
		copy(f[name][at:at+pageSize], from[at:])
		return fmt.Sprintf("the one at %d", at)
	},
	"delete": func(x *tampered, f map[string][]byte, name string) string { delete(f, name); return "it" },
	"swap segments": func(x *tampered, f map[string][]byte, name string) string {
		other := x.one(f)
		f[name], f[other] = f[other], f[name]
		return "with " + other
	},
	"copy a segment": func(x *tampered, f map[string][]byte, name string) string {
		other := x.one(f)
		f[other] = slices.Clone(f[name])
		return "over " + other
	},
	"splice a segment": func(x *tampered, f map[string][]byte, name string) string {
		f[name] = slices.Clone(x.other[name])
		return "of another ledger"
	},
	"roll back": func(x *tampered, f map[string][]byte, name string) string {
		if len(x.older[name]) == 0 {
			return ""
		}
		f[name] = slices.Clone(x.older[name])
		return "to what it was"
	},
	"roll back last": func(x *tampered, f map[string][]byte, _ string) string {
		last := filepath.Base(segmentPath("", uint64(len(f))))
		f[last] = slices.Clone(x.late[last])
		return "of all, to what it was"
	},
	"roll back all": func(x *tampered, f map[string][]byte, _ string) string {
		clear(f)
		for n, b := range x.older {
			f[n] = slices.Clone(b)
		}
		return "to what it was"
	},
	"add one": func(x *tampered, f map[string][]byte, name string) string {
		f[filepath.Base(segmentPath("", uint64(len(f)+1)))] = slices.Clone(f[name])
		return "behind the last"
	},
}

// place is anywhere, half of the time where pages keep their structure.
func (x *tampered) place(file []byte) int {
	at := x.random.IntN(len(file))
	if x.random.IntN(2) == 0 {
		at = min(at&^(pageSize-1)+x.random.IntN(120), len(file)-1)
	}
	return at
}

// one is a segment by lot.
func (x *tampered) one(files map[string][]byte) string {
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names[x.random.IntN(len(names))]
}

func read(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, name := range folder(t, dir) {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = b
	}
	return files
}

func newTampered(t testing.TB) *tampered {
	t.Helper()
	x := &tampered{dir: filepath.Join(t.TempDir(), "tampered"), random: rand.New(rand.NewPCG(uint64(tampers()), 7))}
	l, dir := newLedger(t, small)
	fill(t, l, dir, 2)
	mustAppend(t, l, "PX7-1", sales("PX7-1", l.Last("PX7-1")+1, l.Last("PX7-1")+5)...)
	x.older = read(t, copyLedger(t, dir))
	fill(t, l, dir, 3)
	for range 20 { // small commits: old pages, lists of free ones
		mustAppend(t, l, "PX7-1", sales("PX7-1", l.Last("PX7-1")+1, l.Last("PX7-1")+4)...)
		if x.late == nil {
			x.late = read(t, copyLedger(t, dir))
		}
	}
	x.head = l.Head()
	x.lines, _, _ = export(t, l, 1)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	x.now = read(t, dir)
	l, dir = newLedger(t, small)
	mustAppend(t, l, "PX7-2", sales("PX7-2", 1, 1)...)
	fill(t, l, dir, 3)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	x.other = read(t, dir)
	return x
}

// put writes what differs from the last time.
func (x *tampered) put(t testing.TB, files map[string][]byte) {
	t.Helper()
	if err := os.RemoveAll(x.dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(x.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(x.dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

var errNamed = []error{ErrDamaged, ErrBinding, ErrKey}

// judge says how a changed ledger was noticed; errSilent if it was not. What was
// changed in pages that nothing reads leaves the ledger what it was: "unread".
func (x *tampered) judge() (how string, err error) {
	l, err := Open(x.dir, smallOptions())
	if err != nil {
		return "at open", named(err)
	}
	defer l.Close()
	if err := l.Verify(context.Background()); err != nil {
		return "by Verify", named(err)
	}
	if l.Head() != x.head {
		// The ledger cannot know: whoever knows a newer head does, and the reader.
		return "by the head outside", nil
	}
	var lines []string
	_, _, err = l.Export(context.Background(), 1, func(line []byte) error {
		lines = append(lines, string(line))
		return nil
	})
	if err == nil && !slices.Equal(lines, x.lines) {
		err = errSilent
	}
	return "unread", err
}

func named(err error) error {
	for _, want := range errNamed {
		if errors.Is(err, want) {
			return nil
		}
	}
	return fmt.Errorf("not by name: %w", err)
}

// Tampered ledgers that go unnoticed: none. Each change is noticed by name when
// the ledger is opened or verified, or it changed nothing that anybody reads.
// One way is noticed from outside alone: a ledger, or its last segment, put back
// to what it was as a whole.
func TestTamperedLedgersAreNoticed(t *testing.T) {
	if withoutDetector(t) {
		return
	}
	x := newTampered(t)
	var kinds []string
	for kind := range changes {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	count, noticed, outside, unread := map[string]map[string]int{}, 0, 0, 0
	for i := 0; noticed+outside+unread < tampers(); i++ {
		kind := kinds[i%len(kinds)]
		files := map[string][]byte{}
		for name, b := range x.now {
			files[name] = slices.Clone(b)
		}
		name := x.one(files)
		what := changes[kind](x, files, name)
		if what == "" || maps.EqualFunc(files, x.now, slices.Equal[[]byte]) {
			continue // nothing was changed
		}
		x.put(t, files)
		how, err := x.judge()
		if err != nil {
			t.Fatalf("change %d, %s of %s, %s: %s: %v", i, kind, name, what, how, err)
		}
		if how == "by the head outside" && !slices.Contains([]string{"delete", "roll back all", "roll back last"}, kind) {
			t.Fatalf("change %d, %s of %s, %s: it was noticed from outside only", i, kind, name, what)
		}
		switch how {
		case "unread":
			unread++
		case "by the head outside":
			outside++
		default:
			noticed++
		}
		if count[kind] == nil {
			count[kind] = map[string]int{}
		}
		count[kind][how]++
	}
	for _, kind := range kinds {
		t.Logf("%-16s %v", kind, count[kind])
	}
	t.Logf("%d tampered ledgers: %d noticed by name, %d put back to what they were and noticed from outside alone, %d changed only where nothing reads, 0 unnoticed", tampers(), noticed, outside, unread)
}
