package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"unbindd/agent/certificate"
	"unbindd/agent/journal"
	"unbindd/wipe"
)

// Every hindrance that the daemon may name has words in both languages in the
// tool. The tool does not import package wipe, so its source is read.
func TestTheToolHasWordsForEveryHindrance(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "cmd", "unbindctl", "notes.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range wipe.HindranceCodes() {
		if !strings.Contains(string(text), "\t\""+code+"\":") {
			t.Errorf("cmd/unbindctl/notes.go has no words for %q", code)
		}
	}
}

// swapping is a machine whose swap is on.
var swapping = fstest.MapFS{
	"proc/self/ns/mnt": {Data: []byte("mnt:[1]"), Mode: fs.ModeSymlink | 0o777},
	"proc/1/ns/mnt":    {Data: []byte("mnt:[1]"), Mode: fs.ModeSymlink | 0o777},
	"proc/swaps":       {Data: []byte("Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2\n")},
}

// newCopies is an agent with a journal that lies in no enrolled terminal.
func newCopies(t *testing.T) (*Agent, string) {
	t.Helper()
	root := t.TempDir()
	a := New(Parts{Sys: wipe.Kernel{}, Machine: swapping})
	j, err := journal.Create(filepath.Join(root, "journal.db"), journal.Options{Reserve: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	a.journal = j
	return a, root
}

func put(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("merchant"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The list from before holds numbers and marks, no name; what came in between is
// told from what was there, and a place that nobody can look into is named.
func TestTheListsTellWhatCameAndWhatIsLeft(t *testing.T) {
	a, root := newCopies(t)
	place := func(name string) target {
		return target{Target: wipe.Target{Name: name, Kind: "data", Root: root, Path: filepath.Join(root, name), Requested: wipe.LevelClear}}
	}
	targets := []target{place("left"), place("gone"), place("blind")}
	put(t, filepath.Join(root, "left", "shop-4711"))
	put(t, filepath.Join(root, "gone", "shop-4712"))
	if err := a.writeList(targets); err != nil {
		t.Fatal(err)
	}
	var raw listing
	if ok, err := a.journal.Get(noteBefore, &raw); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if l := raw.Places["left"]; l.Items != 2 || l.Bytes != 8 || len(l.Marks) != 2*markSize || strings.Contains(string(l.Marks), "shop") {
		t.Errorf("%+v", l)
	}
	put(t, filepath.Join(root, "left", "stranger"))
	if err := os.RemoveAll(filepath.Join(root, "gone")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/nowhere", filepath.Join(root, "blind")); err != nil {
		t.Fatal(err)
	}
	targets[2].Path = filepath.Join(root, "blind", "x") // a link has come into its way
	copies, residue, err := a.listAfter(targets)
	want := []certificate.Place{
		{Name: "left", Items: 2, Bytes: 8, Left: 3, Appeared: 1},
		{Name: "gone", Items: 2, Bytes: 8},
		{Name: "blind", Unseen: true},
	}
	if err != nil || strings.Join(residue, " ") != "left blind" || strings.Join(copies.Elsewhere, " ") != "swap" {
		t.Errorf("residue %v, elsewhere %v, %v", residue, copies.Elsewhere, err)
	}
	for i, p := range copies.Places {
		if p != want[i] {
			t.Errorf("%+v, want %+v", p, want[i])
		}
	}
	// The list is written once: a cut and a second beginning do not make what is
	// half erased the measure.
	if err := a.writeList(targets); err != nil {
		t.Fatal(err)
	}
	var again listing
	if _, err := a.journal.Get(noteBefore, &again); err != nil || again.Places["gone"].Items != 2 {
		t.Errorf("%+v, %v", again.Places["gone"], err)
	}
}

// More names than the journal has room for are counted, and not told apart.
func TestTheListFitsTheJournal(t *testing.T) {
	a, root := newCopies(t)
	for _, n := range []string{"a", "b", "c"} {
		put(t, filepath.Join(root, "many", n))
	}
	before := listing{Key: make([]byte, 16), Places: map[string]found{}}
	room := 2
	many := target{Target: wipe.Target{Name: "many", Kind: "data", Root: root, Path: filepath.Join(root, "many"), Requested: wipe.LevelClear}}
	f := before.list(a.Sys, many, &room)
	before.Places["many"] = f
	if f.Items != 4 || !f.Cut || len(f.Marks) != 0 || room != 2 {
		t.Errorf("%+v, room for %d", f, room)
	}
	if n, uncounted := before.since(begun{}, "many", []string{"many/d"}); n != 0 || !uncounted {
		t.Errorf("%d strangers against a list that was cut, told as all there were: %v", n, !uncounted)
	}
	put(t, filepath.Join(root, "few", "a"))
	few := target{Target: wipe.Target{Name: "few", Kind: "data", Root: root, Path: filepath.Join(root, "few"), Requested: wipe.LevelClear}}
	before.Places["few"] = before.list(a.Sys, few, &room)
	if n, uncounted := before.since(begun{}, "few", []string{"few", "few/a", "few/d"}); n != 1 || uncounted || room != 0 {
		t.Errorf("%d strangers of what fits, uncounted %v, room for %d", n, uncounted, room)
	}
	if _, uncounted := before.since(begun{}, "never listed", nil); !uncounted {
		t.Error("of what was never listed nothing appeared")
	}
}

// A name that came between the list and the erase, and is still there after it, is
// one that came; of too many for their marks the least is told, and that it is.
func TestAStrangerIsCountedOnce(t *testing.T) {
	for n, want := range map[int]certificate.Place{
		1:           {Name: "place", Items: 2, Bytes: 8, Left: 3, Appeared: 1},
		2:           {Name: "place", Items: 2, Bytes: 8, Left: 4, Appeared: 2},
		maxCame + 5: {Name: "place", Items: 2, Bytes: 8, Left: maxCame + 7, Appeared: maxCame + 5, Uncounted: true},
	} {
		a, root, targets := erasing(t, "place")
		if err := a.writeList(targets); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			put(t, filepath.Join(root, "place", fmt.Sprint("stranger-", i)))
		}
		var b begun
		if err := errors.Join(a.appeared(targets[0], &b), a.journal.Save(noteBegun+"place", b)); err != nil {
			t.Fatal(err)
		}
		copies, _, err := a.listAfter(targets)
		if err != nil || copies.Places[0] != want {
			t.Errorf("%+v, want %+v, %v", copies.Places[0], want, err)
		}
	}
}
