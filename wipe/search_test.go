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

// room is where no file leads to, on the glass: so many bytes from beyond on.
func room(at, length uint64) []wipe.Extent {
	return []wipe.Extent{{Physical: beyond + at, Length: length}}
}

// TestNeedlesWhereNoFileLeadsTo puts the content, or what is not it, into free
// blocks and into the journal.
func TestNeedlesWhereNoFileLeadsTo(t *testing.T) {
	content := words(300)[:9000]
	padded := func(n int) []byte { return append(bytes.Repeat([]byte("an older page "), n)[:n], content...) }
	for name, c := range map[string]struct {
		behind    []byte
		free, log []wipe.Extent
		change    func(g *glass, order *wipe.Target)
		level     wipe.Level
		word      string
		technique string
	}{
		"an old version":            {padded(0), room(0, 1<<20), nil, nil, wipe.LevelLogical, "old-versions", "needles-beyond 1048576 of 1048576 bytes"},
		"that was shifted":          {padded(5), room(0, 1<<20), nil, nil, wipe.LevelLogical, "old-versions", "needles-beyond 1048576 of 1048576 bytes"},
		"across two reads":          {padded(1<<20 - 4500), room(0, 2<<20), nil, nil, wipe.LevelLogical, "old-versions", "needles-beyond 2097152 of 2097152 bytes"},
		"in the journal":            {padded(0), nil, room(0, 1<<20), nil, wipe.LevelLogical, "journal-copies", "needles-beyond 1048576 of 1048576 bytes"},
		"another's":                 {bytes.ToUpper(content), room(0, 1<<20), nil, nil, wipe.LevelClear, "", "needles-beyond 1048576 of 1048576 bytes"},
		"in a living file's blocks": {padded(1 << 20), room(0, 1<<20), nil, nil, wipe.LevelClear, "", "needles-beyond 1048576 of 1048576 bytes"},
		"never in the clear": {padded(0), room(0, 1<<20), nil, func(_ *glass, order *wipe.Target) { order.Encrypted = true },
			wipe.LevelLogical, "old-versions-encrypted", "needles-beyond 1048576 of 1048576 bytes"},
		"behind the budget": {padded(1 << 20), room(0, 2<<20), nil, func(_ *glass, order *wipe.Target) { order.Budget = 1 << 20 },
			wipe.LevelClear, "", "needles-beyond 1048576 of 2097152 bytes"},
		"the journal first": {padded(0), room(1<<20, 1<<20), room(0, 1<<20), func(_ *glass, order *wipe.Target) { order.Budget = 1 << 20 },
			wipe.LevelLogical, "journal-copies", "needles-beyond 1048576 of 2097152 bytes"},
		"not to the medium": {padded(0), room(0, 1<<20), nil, func(_ *glass, order *wipe.Target) { order.Depth = wipe.DepthBlocks },
			wipe.LevelClear, "", ""},
		"not told where": {padded(0), room(0, 1<<20), nil, func(g *glass, _ *wipe.Target) { g.sys.medium.unused = nil }, wipe.LevelClear, "", ""},
		"read in part": {padded(0), room(0, 1<<20), nil, func(g *glass, _ *wipe.Target) {
			g.sys.read = func(fd int, p []byte, at int64) (int, error, bool) {
				if at >= beyond {
					return 0, unix.EIO, true
				}
				return g.read(fd, p, at)
			}
		}, wipe.LevelClear, "", ""},
	} {
		root := plant(t, map[string]int{"f": 0})
		must(t, os.WriteFile(filepath.Join(root, "f"), content, 0o600))
		g := newGlass(t, root, "f")
		g.behind = c.behind
		g.sys.medium.unused = func() (free, log []wipe.Extent) { return c.free, c.log }
		order := deep(root, "f", wipe.DepthMedium)
		if c.change != nil {
			c.change(g, &order)
		}
		e := erase(t, g.sys, order)
		if e.LevelAchieved != c.level || e.Verified != wipe.Pass || strings.Contains(e.Technique, "needles-beyond") != (c.technique != "") || !strings.Contains(e.Technique, c.technique) {
			t.Errorf("%s: %+v", name, e)
		}
		if found := c.level == wipe.LevelLogical; found != strings.Contains(e.Reason, "needles are still on the medium") || found && !slices.Contains(e.Residual, c.word) {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// TestTheSearchComesLast looks that free blocks are searched after they were given
// back, and for the needles of all targets that share them.
func TestTheSearchComesLast(t *testing.T) {
	root := spread(t, map[string]int{"a": 9000, "b": 9000})
	must(t, os.WriteFile(filepath.Join(root, "b"), bytes.ToUpper(words(300))[:9000], 0o600))
	g := newGlass(t, root, "a", "b")
	g.behind = words(300)[:9000] // of a, not of b
	g.sys.medium.unused = func() (free, log []wipe.Extent) { return room(0, 1<<20), nil }
	var heard []string
	g.sys.hear = func(call string) error {
		if call == "trim" || call == "unused" {
			heard = append(heard, call)
		}
		return nil
	}
	first, last := deep(root, "a", wipe.DepthBlocks), deep(root, "b", wipe.DepthMedium)
	first.Samples = new(wipe.Samples)
	last.Samples = first.Samples
	if e := erase(t, g.sys, first); e.LevelAchieved != wipe.LevelClear || strings.Contains(e.Technique, "beyond") {
		t.Errorf("the first: %+v", e)
	}
	if e := erase(t, g.sys, last); e.LevelAchieved != wipe.LevelLogical || !strings.Contains(e.Reason, "of 16 needles are still") {
		t.Errorf("the last: %+v", e)
	}
	again := deep(root, "c", wipe.DepthMedium) // of a later try: nothing is its own
	again.Samples = first.Samples
	if e := erase(t, g.sys, again); e.LevelAchieved != wipe.LevelLogical || !strings.Contains(e.Reason, "of 16 needles are still") {
		t.Errorf("once more: %+v", e)
	}
	if got := strings.Join(heard, " "); got != "trim unused trim unused" {
		t.Errorf("order %s", got)
	}
}

// withoutTrim is the kernel over a device that takes nothing back.
type withoutTrim struct{ wipe.Kernel }

func (withoutTrim) Trim(int) (uint64, error) { return 0, unix.EOPNOTSUPP }

// withoutRemedy is one that can empty no journal besides, and make no file.
type withoutRemedy struct{ withoutTrim }

func (withoutRemedy) Checkpoint(int, uint32) error    { return unix.ENOTTY }
func (withoutRemedy) Create(int, string) (int, error) { return -1, unix.ENOSPC }

// TestAJournalOnARealDisk finds in ext4's journal what went through it and cannot
// be taken out.
func TestAJournalOnARealDisk(t *testing.T) {
	d := newDisk(t, 64<<20, "data=journal", "mkfs.ext4", "-q", "-F")
	must(t, os.WriteFile(filepath.Join(d.root, "f"), words(2000), 0o600))
	unix.Sync()
	e := erase(t, withoutRemedy{}, deep(d.root, "f", wipe.DepthMedium))
	if e.LevelAchieved != wipe.LevelLogical || !slices.Contains(e.Residual, "journal-copies") || !strings.Contains(e.Reason, "needles are still") {
		t.Errorf("%+v", e)
	}
	if hits := d.hits(canary); hits == 0 {
		t.Error("there is nothing in the journal; the test shows nothing")
	}
}

// TestAnOldVersionOnARealDisk replaces a file by one that differs in its last
// line, so that nearly all of it lies in free blocks once more: given back, filled,
// or left there and found. Filling does not reach every block on ext4; whatever
// came of it, the level is what the raw image supports.
func TestAnOldVersionOnARealDisk(t *testing.T) {
	for _, kind := range []struct {
		mkfs  []string
		size  int64
		rungs map[string]wipe.Sys
	}{
		{[]string{"mkfs.ext4", "-q", "-F"}, 64 << 20, map[string]wipe.Sys{"fitrim": wipe.Kernel{}, "fill-free": withoutTrim{}, "": withoutRemedy{}}},
		{[]string{"mkfs.xfs", "-q", "-f"}, 320 << 20, map[string]wipe.Sys{"fill-free": withoutTrim{}}},
	} {
		for rung, sys := range kind.rungs {
			t.Run(kind.mkfs[0]+" "+rung, func(t *testing.T) {
				d := newDisk(t, kind.size, "", kind.mkfs...)
				path := filepath.Join(d.root, "settings")
				body := words(2000)
				for _, name := range []string{path, path + ".new"} {
					must(t, os.WriteFile(name, body, 0o600))
					unix.Sync()
					body = append(bytes.Clone(body), "a new line\n"...)
				}
				must(t, os.Rename(path+".new", path))
				unix.Sync()
				order := deep(d.root, "settings", wipe.DepthMedium)
				if kind.size > 64<<20 {
					order.Budget = 32 << 20 // all of it takes long under the race detector
				}
				e := erase(t, sys, order)
				if left := listing(t, d.root); len(left) > 1 {
					t.Errorf("left %v", left)
				}
				hits := d.hits(canary)
				found := e.LevelAchieved == wipe.LevelLogical && slices.Contains(e.Residual, "old-versions") && strings.Contains(e.Reason, "needles are still")
				if found != (hits > 0) || found == (rung == "fitrim") && rung != "fill-free" {
					t.Errorf("%d hits, %+v", hits, e)
				}
				if e.Verified != wipe.Pass || !strings.Contains(e.Technique, "needles-beyond") || !strings.Contains(e.Technique, rung) {
					t.Errorf("%+v", e)
				}
				t.Log(e.Technique)
			})
		}
	}
}
