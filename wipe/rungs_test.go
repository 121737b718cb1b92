package wipe_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"unbindd/wipe"
)

// zeroing is a device that writes zeros without being sent them.
func zeroing(g *glass) *[]wipe.Extent {
	zeroed, fact := new([]wipe.Extent), g.sys.medium.fact
	g.sys.medium.fact = func(name string) (string, error) {
		if name == "queue/write_zeroes_max_bytes" {
			return "4096", nil
		}
		return fact(name)
	}
	g.sys.medium.zeroOut = func(at, n uint64) error {
		*zeroed = append(*zeroed, wipe.Extent{Physical: at, Length: n})
		return nil
	}
	return zeroed
}

// TestZerosComeAfterTheReadBack: they are no overwrite that counts, and what
// allows a discard allows them.
func TestZerosComeAfterTheReadBack(t *testing.T) {
	for name, c := range map[string]struct {
		change func(g *glass, order *wipe.Target)
		zeroed bool
	}{
		"can":             {func(*glass, *wipe.Target) {}, true},
		"by files alone":  {func(_ *glass, order *wipe.Target) { order.Depth = wipe.DepthFiles }, false},
		"somebody's":      {func(g *glass, _ *wipe.Target) { g.sys.medium.lease = unix.EAGAIN }, false},
		"other bytes":     {func(g *glass, _ *wipe.Target) { g.stale = bytes.ToUpper(words(3000)) }, false},
		"shared":          {func(g *glass, _ *wipe.Target) { g.shared = true }, false},
		"btrfs":           {func(g *glass, _ *wipe.Target) { g.sys.magic = 0x9123683E }, false},
		"f2fs":            {func(g *glass, _ *wipe.Target) { g.sys.magic = 0xF2F52010 }, false},
		"no right":        {func(g *glass, _ *wipe.Target) { g.sys.medium.open = nil }, false},
		"is sent them":    {func(g *glass, _ *wipe.Target) { g.sys.medium.fact = nil }, false},
		"takes it not":    {func(g *glass, _ *wipe.Target) { g.sys.medium.zeroOut = nil }, false},
		"moved meanwhile": {func(g *glass, _ *wipe.Target) { movesAt(g, 4) }, false},
	} {
		root := spread(t, map[string]int{"f": 9000})
		g := newGlass(t, root, "f")
		zeroed, order := zeroing(g), deep(root, "f", wipe.DepthBlocks)
		c.change(g, &order)
		var heard []string
		g.sys.hear = func(call string) error {
			if slices.Contains([]string{"write", "sync", "read", "zero-out", "truncate"}, call) {
				heard = append(heard, call)
			}
			return nil
		}
		e := erase(t, g.sys, order)
		if e.Verified != wipe.Pass || strings.Contains(e.Technique, "zeroout") != c.zeroed {
			t.Errorf("%s: %+v", name, e)
		}
		if !c.zeroed {
			if len(*zeroed) > 0 {
				t.Errorf("%s: %v was zeroed", name, *zeroed)
			}
			continue
		}
		if want := []wipe.Extent{{Physical: start, Length: 12288}}; !slices.Equal(*zeroed, want) {
			t.Errorf("%s: zeroed %v, want %v", name, *zeroed, want)
		}
		if got := strings.Join(slices.Compact(heard), " "); !strings.Contains(got, "write sync read zero-out truncate") {
			t.Errorf("%s: order %s", name, got)
		}
	}
}

// movesAt has the file lie elsewhere from the given question on.
func movesAt(g *glass, at int) {
	asked := 0
	g.sys.extents = func(fd int) ([]wipe.Extent, error) {
		all, err := g.extents(fd)
		if asked++; asked >= at && len(all) > 0 {
			all[0].Physical += 8192
		}
		return all, err
	}
}

// TestWhatTheKernelHasNoCallFor: a journal that cannot be emptied is churned, free
// space that is not taken back is filled, both only as deep as the medium, and
// nothing of either stays.
func TestWhatTheKernelHasNoCallFor(t *testing.T) {
	for depth, want := range map[wipe.Depth]string{wipe.DepthFiles: "", wipe.DepthBlocks: "", wipe.DepthMedium: "churn fill"} {
		root := spread(t, map[string]int{"f": 9000, ".unbindd-churn/00000007": 0, ".unbindd-fill": 9}) // as a cut leaves them
		g := newGlass(t, root, "f")
		g.sys.medium.checkpoint, g.sys.medium.trim = nil, unix.EOPNOTSUPP
		if depth == wipe.DepthMedium {
			g.sys.medium.space = 5 << 20
		}
		written := int64(0)
		g.sys.write = func(fd int, p []byte, at int64) (int, error) {
			n, err := g.sys.Kernel.WriteAt(fd, p, at)
			if g.number(fd) < 0 {
				written += int64(n)
				g.sys.medium.space -= int64(n)
			}
			return n, err
		}
		e := erase(t, g.sys, deep(root, "f", depth))
		for rung, part := range map[string]string{"journal-churn": "churn", "fill-free": "fill"} {
			if strings.Contains(e.Technique, rung) != strings.Contains(want, part) {
				t.Errorf("%q: %+v", depth, e)
			}
		}
		if (written == 1<<20) != (depth == wipe.DepthMedium) {
			t.Errorf("%q: %d bytes were filled, and 4 MiB are to stay free", depth, written)
		}
		if left := listing(t, root); depth == wipe.DepthMedium && len(left) > 0 {
			t.Errorf("left %v", left)
		}
		if e.Verified != wipe.Pass || !slices.Contains(e.Residual, "names") || !slices.Contains(e.Residual, "old-versions") {
			t.Errorf("%q: %+v", depth, e)
		}
	}
}

// TestAChurnThatEndedEarlyIsNotTold: the round between unlink and rmdir replaces
// little of a journal.
func TestAChurnThatEndedEarlyIsNotTold(t *testing.T) {
	for fails, want := range map[int]bool{0: true, 1: true, 2: false} {
		root := spread(t, map[string]int{"f": 9000})
		g, made := newGlass(t, root, "f"), 0
		g.sys.medium.checkpoint = nil
		g.sys.hear = func(call string) error {
			if call == "make-folder" {
				if made++; made == fails {
					return unix.ENOSPC
				}
			}
			return nil
		}
		if e := erase(t, g.sys, deep(root, "f", wipe.DepthMedium)); e.Verified != wipe.Pass || strings.Contains(e.Technique, "journal-churn") != want || made != 2 {
			t.Errorf("round %d fails: %+v", fails, e)
		}
	}
}

// TestFillingLeavesWhatIsKeptForRoot compares with what the file system says.
func TestFillingLeavesWhatIsKeptForRoot(t *testing.T) {
	d := newDisk(t, 16<<20, "", "mkfs.ext4", "-q", "-F", "-m", "20")
	fd, err := wipe.Kernel{}.OpenRoot(d.root)
	must(t, err)
	defer wipe.Kernel{}.Close(fd)
	var st unix.Statfs_t
	must(t, unix.Fstatfs(fd, &st))
	free, err := wipe.Kernel{}.Space(fd)
	if err != nil || st.Bavail == st.Bfree || free != int64(st.Bavail)*int64(st.Bsize) {
		t.Errorf("%d bytes are free to be filled, of %d blocks %d are anybody's, %v", free, st.Bfree, st.Bavail, err)
	}
}

// TestOnlyADiskIsFilled: what lies in memory, or on a layer above another file
// system, is not.
func TestOnlyADiskIsFilled(t *testing.T) {
	for name, magic := range map[string]int64{"tmpfs": 0x01021994, "overlayfs": 0x794c7630, "btrfs": 0x9123683E, "fuse": 0x65735546, "unknown": 7} {
		root := spread(t, map[string]int{"f": 9000})
		g := newGlass(t, root, "f")
		g.sys.magic, g.sys.medium.trim, g.sys.medium.space = magic, unix.ENOTTY, 8<<20
		g.sys.hear = func(call string) error {
			if call == "create" || call == "make-folder" {
				t.Errorf("%s: %s was called", name, call)
				return unix.ENOSPC // or it would be filled for ever
			}
			return nil
		}
		if e := erase(t, g.sys, deep(root, "f", wipe.DepthMedium)); e.Verified != wipe.Pass || strings.Contains(e.Technique, "fill") {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// TestWhatFilledAndCannotBeRemoved is a failure: it would leave the disk full.
func TestWhatFilledAndCannotBeRemoved(t *testing.T) {
	root := spread(t, map[string]int{"f": 9000})
	g, unlinked := newGlass(t, root, "f"), 0
	g.sys.medium.trim, g.sys.medium.space = unix.EOPNOTSUPP, 4<<20
	g.sys.hear = func(call string) error {
		if call == "unlink" {
			if unlinked++; unlinked > 2 { // the file, and what an earlier run may have left
				return unix.EIO
			}
		}
		return nil
	}
	if e := erase(t, g.sys, deep(root, "f", wipe.DepthMedium)); e.Verified == wipe.Pass || !strings.Contains(e.Reason, "cannot remove what filled the free space") {
		t.Errorf("%+v", e)
	}
}

// withoutCheckpoint is the kernel before 5.14.
type withoutCheckpoint struct{ wipe.Kernel }

func (withoutCheckpoint) Checkpoint(int, uint32) error { return unix.ENOTTY }

// TestAJournalIsChurned searches the raw image for names that a journal had. None
// is found, and the word stays: nobody knows how much a journal holds.
func TestAJournalIsChurned(t *testing.T) {
	d := newDisk(t, 64<<20, "", "mkfs.ext4", "-q", "-F", "-J", "size=16")
	dir := filepath.Join(d.root, "app")
	must(t, os.Mkdir(dir, 0o700))
	for i := range 200 {
		must(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%05d", canary, i)), nil, 0o600))
	}
	unix.Sync()
	e := erase(t, withoutCheckpoint{}, deep(d.root, "app", wipe.DepthMedium))
	n := d.hits(canary)
	if e.Verified != wipe.Pass || !slices.Contains(e.Residual, "names") || !strings.Contains(e.Technique, "journal-churn") || n > 0 {
		t.Errorf("%+v, and %d names are still on the medium", e, n)
	}
}

// TestContentWithoutANameIsOverwritten: what a program holds open of the target is
// overwritten through it; what has another name, or was never the target's, is not.
func TestContentWithoutANameIsOverwritten(t *testing.T) {
	root := plant(t, map[string]int{"d/gone": 70_001, "d/linked": 100, "d/there": 10, "other": 100})
	in := func(name string) string { return filepath.Join(root, name) }
	must(t, os.Link(in("d/linked"), in("second")))
	held := map[string]int{}
	for _, name := range []string{"d/gone", "d/linked", "other"} {
		held[name] = hold(t, "3<", in(name))
		must(t, os.Remove(in(name)))
	}
	e := erase(t, wipe.Kernel{}, target(root, "d"))
	for name, pid := range held {
		body, err := os.ReadFile(fmt.Sprintf("/proc/%d/fd/3", pid))
		must(t, err)
		if len(body) < 100 || bytes.Contains(body, []byte(canary)) != (name != "d/gone") || name == "d/gone" && len(body) != 70_001 {
			t.Errorf("%s: %d bytes, the content is there: %v", name, len(body), bytes.Contains(body, []byte(canary)))
		}
	}
	if e.LevelAchieved != wipe.LevelLogical || !slices.Contains(e.Residual, "open-holders") || !strings.Contains(e.Technique, "held-overwrite 1") {
		t.Errorf("%+v", e)
	}
}

// TestNothingIsLeftButWhatIsHeld: where no name is left, what is held still counts.
func TestNothingIsLeftButWhatIsHeld(t *testing.T) {
	root := plant(t, map[string]int{"d/gone": 5000, "d/": 0})
	path := filepath.Join(root, "d", "gone")
	hold(t, "3<", path)
	must(t, os.Remove(path))
	if e := erase(t, wipe.Kernel{}, target(root, "d/gone")); e.LevelAchieved != wipe.LevelLogical || e.Technique != "absent" || !slices.Contains(e.Residual, "open-holders") {
		t.Errorf("%+v", e)
	}
}
