package wipe_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"unbindd/wipe"
)

// changes are the calls whose order is the promise of this package.
var changes = []string{"open-file", "write", "sync", "read", "truncate", "unlink", "remove-folder"}

func TestTheOrderWithinAFile(t *testing.T) {
	root := plant(t, map[string]int{"d/f": 100})
	sys := newTap()
	var heard []string
	sys.hear = func(call string) error {
		if slices.Contains(changes, call) {
			heard = append(heard, call)
		}
		return nil
	}
	if e := erase(t, sys, target(root, "d")); e.Verified != wipe.Pass {
		t.Fatalf("%+v", e)
	}
	want := "open-file write sync read truncate sync unlink sync remove-folder sync"
	if got := strings.Join(heard, " "); got != want {
		t.Fatalf("order\n%s, want\n%s", got, want)
	}
}

func TestTheOperationsThatAreTold(t *testing.T) {
	root := plant(t, map[string]int{"d/f": 100})
	var told []string
	wipe.Erase(context.Background(), newTap(), target(root, "d"), func(op string) { told = append(told, op) })
	want := "open overwrite sync read-back truncate sync unlink sync-folder remove-folder sync-folder"
	if got := strings.Join(told, " "); got != want {
		t.Fatalf("told\n%s, want\n%s", got, want)
	}
}

// TestNoTwoSectorsAreTheSame looks at what is written over a file longer than
// the bytes that are drawn for it.
func TestNoTwoSectorsAreTheSame(t *testing.T) {
	root := plant(t, map[string]int{"f": 3 << 20})
	sys, seen := newTap(), map[[512]byte]int64{}
	sys.write = func(fd int, p []byte, offset int64) (int, error) {
		for i := 0; i+512 <= len(p); i += 512 {
			s := [512]byte(p[i : i+512])
			if before, twice := seen[s]; twice && before != offset+int64(i) {
				t.Fatalf("the sectors at %d and %d are the same", before, offset+int64(i))
			}
			seen[s] = offset + int64(i)
		}
		return sys.Kernel.WriteAt(fd, p, offset)
	}
	if e := erase(t, sys, target(root, "f")); e.Verified != wipe.Pass || len(seen) != 3<<11 {
		t.Errorf("%d sectors, %+v", len(seen), e)
	}
}

// TestPowerCutAtEveryOperation stops the work at each operation in turn, as a
// power cut would, and looks that a second run brings it to the same end.
func TestPowerCutAtEveryOperation(t *testing.T) {
	files := map[string]int{"d/a": 5000, "d/e/b": 70_000, "d/e/c": 0, "other": 9}
	for cut := 1; ; cut++ {
		root := plant(t, files)
		if !stopsAt(newTap(), target(root, "d"), cut) {
			if cut < 20 {
				t.Fatalf("only %d operations were heard of", cut)
			}
			return
		}
		e := erase(t, newTap(), target(root, "d"))
		if e.Verified != wipe.Pass || e.LevelAchieved != wipe.LevelClear || !absent(filepath.Join(root, "d")) {
			t.Errorf("after a cut at operation %d: %+v", cut, e)
		}
		if left := listing(t, root); len(left) != 1 {
			t.Errorf("after a cut at operation %d: left %v", cut, left)
		}
	}
}

// TestPowerCutInTheLadder does the same with a device that may be told
// everything. However far the first run got, the second one empties the journal
// and gives the free space back, also where it finds nothing left to erase.
func TestPowerCutInTheLadder(t *testing.T) {
	for cut := 1; ; cut++ {
		root := spread(t, map[string]int{"d/a": 5000, "d/e/b": 70_000, "other": 9})
		order := deep(root, "d", wipe.DepthMedium)
		if !stopsAt(newGlass(t, root, "d/a", "d/e/b").sys, order, cut) {
			if cut < 24 {
				t.Fatalf("only %d operations were heard of", cut)
			}
			return
		}
		g, trimmed := newGlass(t, root), false
		g.sys.hear = func(call string) error { trimmed = trimmed || call == "trim"; return nil }
		e := erase(t, g.sys, order)
		if e.Verified != wipe.Pass || e.LevelAchieved != wipe.LevelClear || !absent(filepath.Join(root, "d")) {
			t.Errorf("after a cut at operation %d: %+v", cut, e)
		}
		if !slices.Contains(g.checked, 0) || !slices.Contains(g.checked, 2) || !trimmed {
			t.Errorf("after a cut at operation %d: checkpoints %v, trimmed %v", cut, g.checked, trimmed)
		}
		if left := listing(t, root); len(left) != 1 {
			t.Errorf("after a cut at operation %d: left %v", cut, left)
		}
	}
}

// stopsAt tells whether there was an operation of that number to stop at.
func stopsAt(sys wipe.Sys, order wipe.Target, cut int) (stopped bool) {
	type power struct{}
	defer func() {
		switch r := recover().(type) {
		case nil:
		case power:
			stopped = true
		default:
			panic(fmt.Sprint("another panic: ", r))
		}
	}()
	n := 0
	wipe.Erase(context.Background(), sys, order, func(string) {
		if n++; n == cut {
			panic(power{})
		}
	})
	return false
}
