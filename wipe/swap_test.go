package wipe_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"unbindd/wipe"
)

// TestSwapInAFileIsSwitchedOff has one file of two be swap: it is taken out of use
// before anything is done to it, and where the kernel refuses, nothing is.
func TestSwapInAFileIsSwitchedOff(t *testing.T) {
	for _, refuses := range []error{nil, unix.ENOMEM, unix.EPERM} {
		root := plant(t, map[string]int{"d/plain": 5000, "d/swap": 9000})
		var swap unix.Stat_t
		must(t, unix.Stat(filepath.Join(root, "d", "swap"), &swap))
		sys := newTap()
		sys.medium.swaps = func() []wipe.Inode { return []wipe.Inode{{Dev: uint64(swap.Dev), Ino: swap.Ino}} }
		off := 0
		sys.medium.swapOff = func(fd int) error {
			var st unix.Stat_t
			must(t, unix.Fstat(fd, &st))
			if off++; st.Ino != swap.Ino || st.Size != 9000 {
				t.Errorf("what is switched off is another file, or one that was touched: %+v", st)
			}
			return refuses
		}
		e := erase(t, sys, target(root, "d"))
		if off != 1 {
			t.Errorf("%v: switched off %d times", refuses, off)
		}
		if refuses == nil {
			if e.LevelAchieved != wipe.LevelClear || !strings.HasPrefix(e.Technique, "swapoff (1 of 2 files), overwrite-random-1") {
				t.Errorf("%+v", e)
			}
			continue
		}
		if e.Verified != wipe.Fail || !strings.Contains(e.Reason, "cannot switch off the swap in a file") || absent(filepath.Join(root, "d", "swap")) || !absent(filepath.Join(root, "d", "plain")) {
			t.Errorf("%v: %+v", refuses, e)
		}
	}
}

// TestARealSwapFile makes one, has the kernel use it, and erases it.
func TestARealSwapFile(t *testing.T) {
	d := newDisk(t, 64<<20, "", "mkfs.ext4", "-q", "-F")
	path := filepath.Join(d.root, "swap file")
	must(t, os.WriteFile(path, words(200_000)[:4<<20], 0o600)) // a page of it is the heading, the rest stays
	d.run("mkswap", "-q", path)
	d.run("swapon", "-p", "0", path)
	t.Cleanup(func() { _ = exec.Command("swapoff", path).Run() }) // where the erase has not
	unix.Sync()
	all, err := wipe.Kernel{}.Swaps()
	must(t, err)
	var st unix.Stat_t
	must(t, unix.Stat(path, &st))
	if !slices.Contains(all, wipe.Inode{Dev: uint64(st.Dev), Ino: st.Ino}) {
		t.Fatalf("%v are in use, not %d", all, st.Ino)
	}
	if e := erase(t, wipe.Kernel{}, deep(d.root, "swap file", wipe.DepthMedium)); e.LevelAchieved != wipe.LevelClear || !strings.HasPrefix(e.Technique, "swapoff") || !absent(path) {
		t.Errorf("%+v", e)
	}
	if text, err := os.ReadFile("/proc/swaps"); err != nil || strings.Contains(string(text), d.root) {
		t.Errorf("still in use: %s %v", text, err)
	}
	if hits := d.hits(canary); hits > 0 {
		t.Errorf("%d hits", hits)
	}
}
