package wipe_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"unbindd/wipe"
)

// spread plants files whose content is not plain.
func spread(t testing.TB, sizes map[string]int) (root string) {
	t.Helper()
	root = plant(t, sizes)
	for name, size := range sizes {
		if !strings.HasSuffix(name, "/") {
			must(t, os.WriteFile(filepath.Join(root, name), words(size/20 + 1)[:size], 0o600))
		}
	}
	return root
}

func deep(root, path string, depth wipe.Depth) wipe.Target {
	order := target(root, path)
	order.Depth = depth
	return order
}

func TestTheOrderOfTheLadder(t *testing.T) {
	root := spread(t, map[string]int{"d/f": 20_000})
	g := newGlass(t, root, "d/f")
	var heard []string
	g.sys.hear = func(call string) error {
		if slices.Contains(append(changes, "lease", "end-lease", "discard", "sync-all", "checkpoint", "trim"), call) {
			heard = append(heard, call)
		}
		return nil
	}
	e := erase(t, g.sys, deep(root, "d", wipe.DepthMedium))
	if e.Verified != wipe.Pass || e.LevelAchieved != wipe.LevelClear {
		t.Fatalf("%+v", e)
	}
	heard = slices.Compact(slices.DeleteFunc(heard, func(c string) bool { return c == "read" }))
	want := "checkpoint open-file lease discard end-lease write sync truncate sync unlink sync " +
		"sync-all checkpoint remove-folder sync sync-all checkpoint trim checkpoint"
	if got := strings.Join(heard, " "); got != want {
		t.Errorf("order\n%s, want\n%s", got, want)
	}
	// Asked whether it can; between unlink and rmdir; discard, zeroes; and asked
	// again by who looks at the end.
	if want := []uint32{6, 0, 1, 2, 6}; !slices.Equal(g.checked, want) {
		t.Errorf("checkpoints %v, want %v", g.checked, want)
	}
	if want := "extent-discard, overwrite-random-1, raw-read-back, needles 8, ext4-checkpoint, fitrim"; e.Technique != want {
		t.Errorf("technique %q, want %q", e.Technique, want)
	}
	if got := strings.Join(e.Residual, " "); got != "old-versions stale-flash" {
		t.Errorf("residual %q", got)
	}
	if want := []wipe.Extent{{Physical: start, Length: 20_480}}; !slices.Equal(g.discarded, want) {
		t.Errorf("discarded %v, want %v", g.discarded, want)
	}
}

// TestTheDepthIsKept looks that nothing is told to the device or to the file
// system unless the target says so.
func TestTheDepthIsKept(t *testing.T) {
	for depth, c := range map[wipe.Depth]struct{ may, technique string }{
		wipe.DepthFiles:  {"", "overwrite-random-1, raw-read-back, needles 8"},
		wipe.DepthBlocks: {"discard sync-all", "extent-discard, overwrite-random-1, raw-read-back, needles 8, ext4-checkpoint"},
		wipe.DepthMedium: {"discard sync-all trim", "extent-discard, overwrite-random-1, raw-read-back, needles 8, ext4-checkpoint, fitrim"},
	} {
		root := spread(t, map[string]int{"f": 9000})
		g := newGlass(t, root, "f")
		g.sys.hear = func(call string) error {
			told := []string{"discard", "secure-discard", "secure-trim", "pin", "sync-all", "trim", "lease"}
			if slices.Contains(told[:1], call) && !strings.Contains(c.may, "discard") ||
				slices.Contains(told[1:4], call) && c.may == "" ||
				slices.Contains(told[4:6], call) && !strings.Contains(c.may, call) {
				t.Errorf("%q: %s was called", depth, call)
			}
			return nil
		}
		if e := erase(t, g.sys, deep(root, "f", depth)); e.Technique != c.technique || e.Verified != wipe.Pass {
			t.Errorf("%q: %+v", depth, e)
		}
		if g.wrote != (depth != wipe.DepthFiles) {
			t.Errorf("%q: opened to write: %v", depth, g.wrote)
		}
	}
}

// TestWhatMustNotBeDiscarded takes away, one at a time, what allows a discard.
func TestWhatMustNotBeDiscarded(t *testing.T) {
	for name, change := range map[string]func(*glass){
		"btrfs":             func(g *glass) { g.sys.magic = 0x9123683E },
		"overlayfs":         func(g *glass) { g.sys.magic = 0x794c7630 },
		"vfat":              func(g *glass) { g.sys.magic = 0x4d44 },
		"unknown":           func(g *glass) { g.sys.magic = 0x12345678 },
		"no block device":   func(g *glass) { g.sys.dev = unix.Mkdev(0, 42) },
		"no place yet":      func(g *glass) { g.flags = 0x2 },
		"delayed":           func(g *glass) { g.flags = 0x4 },
		"encoded":           func(g *glass) { g.flags = 0x8 },
		"encrypted":         func(g *glass) { g.flags = 0x80 },
		"not aligned":       func(g *glass) { g.flags = 0x100 },
		"inline":            func(g *glass) { g.flags = 0x200 },
		"tail":              func(g *glass) { g.flags = 0x400 },
		"shared":            func(g *glass) { g.shared = true },
		"other bytes there": func(g *glass) { g.stale = bytes.ToUpper(words(3000)) },
		"plain content": func(g *glass) {
			must(g.t, os.WriteFile(g.files[0].Name(), make([]byte, 9000), 0o600))
		},
		"takes none": func(g *glass) { g.sys.medium.fact = nil },
		"somebody's": func(g *glass) { g.sys.medium.lease = unix.EAGAIN },
		"no right":   func(g *glass) { g.sys.medium.open = nil },
		"realtime": func(g *glass) {
			g.sys.magic = 0x58465342
			g.sys.medium.mounts = ownMount(g, "xfs", "rw,rtdev=/dev/sdb")
		},
		"unpinned": func(g *glass) { g.sys.magic = 0xF2F52010 },
		"moved meanwhile": func(g *glass) {
			asked := 0
			g.sys.extents = func(fd int) ([]wipe.Extent, error) {
				all, err := g.extents(fd)
				if asked++; asked > 1 {
					all[0].Physical += 8192
				}
				return all, err
			}
		},
	} {
		root := spread(t, map[string]int{"f": 9000})
		g := newGlass(t, root, "f")
		change(g)
		e := erase(t, g.sys, deep(root, "f", wipe.DepthBlocks))
		if len(g.discarded) > 0 || strings.Contains(e.Technique, "discard") {
			t.Errorf("%s: %v was discarded: %+v", name, g.discarded, e)
		}
		if e.Verified != wipe.Pass || !absent(filepath.Join(root, "f")) {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// ownMount is a line of the mounts for the mount that the test's files are on.
func ownMount(g *glass, kind, super string) string {
	id, err := wipe.Kernel{}.Mount(int(g.files[0].Fd()))
	must(g.t, err)
	return mountLine(id, "/", kind, super)
}

func TestTheStrongestDiscardThatIsTaken(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*glass)
		want   string
	}{
		"secure": {func(g *glass) {
			g.sys.medium.secure = func(at, n uint64) error {
				if n == 0 {
					return unix.EINVAL
				}
				g.secured = append(g.secured, wipe.Extent{Physical: at, Length: n})
				return nil
			}
		}, "extent-secdiscard, overwrite-random-1"},
		"secure says yes and does not": {func(g *glass) {
			g.sys.medium.secure = func(_, n uint64) error {
				if n == 0 {
					return unix.EINVAL
				}
				return unix.EOPNOTSUPP
			}
		}, "extent-discard, overwrite-random-1"},
		"f2fs": {func(g *glass) { g.sys.magic, g.sys.medium.secureTrim, g.sys.medium.pin = 0xF2F52010, nil, nil }, "f2fs-sectrim, overwrite-random-1"},
		"f2fs without its own": {func(g *glass) {
			g.sys.magic, g.sys.medium.pin = 0xF2F52010, nil
		}, "extent-discard, overwrite-random-1"},
		"none is taken": {func(g *glass) {
			g.sys.medium.discard = func(uint64, uint64) error { return unix.EIO }
		}, "overwrite-random-1"},
	} {
		root := spread(t, map[string]int{"f": 9000})
		g := newGlass(t, root, "f")
		c.change(g)
		e := erase(t, g.sys, deep(root, "f", wipe.DepthBlocks))
		if !strings.HasPrefix(e.Technique, c.want) || e.Verified != wipe.Pass || e.LevelAchieved != wipe.LevelClear {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// TestARungThatNotEveryFileSawSaysSo has one file of plain content among two.
func TestARungThatNotEveryFileSawSaysSo(t *testing.T) {
	root := spread(t, map[string]int{"d/a": 9000})
	must(t, os.WriteFile(filepath.Join(root, "d", "b"), make([]byte, 9000), 0o600))
	g := newGlass(t, root, "d/a", "d/b")
	e := erase(t, g.sys, deep(root, "d", wipe.DepthBlocks))
	want := "extent-discard (1 of 2 files), overwrite-random-1, raw-read-back (1 of 2 files), needles 8, ext4-checkpoint"
	if e.Technique != want || e.Verified != wipe.Pass {
		t.Errorf("%+v, want technique %q", e, want)
	}
}

// TestAMediumThatKeepsTheOldBytes shows the file until it is overwritten, and
// shows it still afterwards.
func TestAMediumThatKeepsTheOldBytes(t *testing.T) {
	root := spread(t, map[string]int{"f": 9000})
	body, err := os.ReadFile(filepath.Join(root, "f"))
	must(t, err)
	g := newGlass(t, root, "f")
	g.sys.hear = func(call string) error {
		if call == "write" {
			g.stale = body
		}
		return nil
	}
	e := erase(t, g.sys, target(root, "f"))
	if e.Verified != wipe.Fail || e.LevelAchieved != wipe.LevelNone || e.Bytes != 0 || absent(filepath.Join(root, "f")) {
		t.Errorf("%+v", e)
	}
	if !strings.Contains(e.Reason, "8 of 8 needles are still on the medium") {
		t.Errorf("reason %q", e.Reason)
	}
	g.stale = nil
	g.sys.hear = func(call string) error {
		if call == "write" {
			g.stale = make([]byte, 1) // zeros: neither the old bytes nor the new ones
		}
		return nil
	}
	must(t, os.WriteFile(filepath.Join(root, "f"), body, 0o600))
	if e := erase(t, g.sys, target(root, "f")); e.Verified != wipe.Fail || !strings.Contains(e.Reason, "other bytes than were written") {
		t.Errorf("%+v", e)
	}
}

// TestTheJournal is what ext4 writes there besides the files.
func TestTheJournal(t *testing.T) {
	failing := func(at uint32) func(*glass) {
		return func(g *glass) {
			g.sys.medium.checkpoint = func(flags uint32) error {
				if flags == at {
					return unix.EIO
				}
				return nil
			}
		}
	}
	journalled := func(g *glass) { g.sys.medium.mounts = ownMount(g, "ext4", "rw,data=journal") }
	inline := func(g *glass) { g.flags = 0x200 }
	old := func(g *glass) { g.sys.medium.checkpoint = nil }
	for name, c := range map[string]struct {
		depth   wipe.Depth
		changes []func(*glass)
		level   wipe.Level
		names   bool
	}{
		"emptied":                       {wipe.DepthBlocks, nil, wipe.LevelClear, false},
		"not to be told":                {wipe.DepthFiles, nil, wipe.LevelClear, true},
		"before 5.14":                   {wipe.DepthBlocks, []func(*glass){old}, wipe.LevelClear, true},
		"content in it, emptied":        {wipe.DepthBlocks, []func(*glass){journalled}, wipe.LevelClear, false},
		"content in it, not to be told": {wipe.DepthFiles, []func(*glass){journalled}, wipe.LevelLogical, true},
		"content in it, before 5.14":    {wipe.DepthBlocks, []func(*glass){journalled, old}, wipe.LevelLogical, true},
		"one file's content in it":      {wipe.DepthFiles, []func(*glass){func(g *glass) { g.sys.medium.flags = func(int) (uint32, error) { return 0x4000, nil } }}, wipe.LevelLogical, true},
		"inline, emptied":               {wipe.DepthBlocks, []func(*glass){inline}, wipe.LevelClear, false},
		"inline, not to be told":        {wipe.DepthFiles, []func(*glass){inline}, wipe.LevelLogical, true},
		"no journal": {wipe.DepthBlocks, []func(*glass){journalled, func(g *glass) {
			g.sys.medium.checkpoint = func(uint32) error { return unix.ENODEV }
		}}, wipe.LevelClear, false},
		"no discard of it": {wipe.DepthBlocks, []func(*glass){failing(1)}, wipe.LevelClear, false},
		"fails in between": {wipe.DepthBlocks, []func(*glass){failing(0)}, wipe.LevelNone, true},
		"fails at the end": {wipe.DepthBlocks, []func(*glass){failing(2)}, wipe.LevelNone, true},
	} {
		root := spread(t, map[string]int{"f": 9000})
		g := newGlass(t, root, "f")
		for _, change := range c.changes {
			change(g)
		}
		order := deep(root, "f", c.depth)
		if s := wipe.PlanFor(g.sys, order); c.level != wipe.LevelNone && s.Best != c.level {
			t.Errorf("%s: planned %+v", name, s)
		}
		e := erase(t, g.sys, order)
		if e.LevelAchieved != c.level || slices.Contains(e.Residual, "names") != c.names {
			t.Errorf("%s: %+v", name, e)
		}
		if got := slices.Contains(e.Residual, "journal-copies"); got != (c.level == wipe.LevelLogical) {
			t.Errorf("%s: %+v", name, e)
		}
	}
}
