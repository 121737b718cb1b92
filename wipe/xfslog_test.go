package wipe_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"unbindd/wipe"
)

// haunted is a kernel over a device that shows content at one place, whoever reads it.
type haunted struct {
	wipe.Kernel
	place int64
}

func (h haunted) ReadAt(fd int, p []byte, at int64) (int, error) {
	n, err := h.Kernel.ReadAt(fd, p, at)
	if body := words(40); at <= h.place && h.place+int64(len(body)) <= at+int64(n) {
		copy(p[h.place-at:], body)
	}
	return n, err
}

// TestAnXFSLogIsSearched has a kernel that tells no log, as without a map of owners:
// its place is read from the superblock, and is where xfs's own tools say it is.
func TestAnXFSLogIsSearched(t *testing.T) {
	d := newDisk(t, 320<<20, "", "mkfs.xfs", "-q", "-f", "-m", "rmapbt=0")
	must(t, os.WriteFile(filepath.Join(d.root, "f"), words(40), 0o600))
	unix.Sync()
	ask := func(what string) string {
		_, answer, _ := strings.Cut(d.run("xfs_db", "-r", "-c", "sb 0", "-c", what, d.loop), " ")
		return strings.Trim(answer, "= ()\n")
	}
	log, err := strconv.ParseInt(ask("convert fsblock "+ask("p logstart")+" byte"), 10, 64)
	must(t, err)
	for where, level := range map[int64]wipe.Level{log - 4096: wipe.LevelClear, log + 1<<20: wipe.LevelLogical} {
		order := deep(d.root, "f", wipe.DepthMedium)
		order.Budget = 4 << 20 // of the log, which comes first
		must(t, os.WriteFile(filepath.Join(d.root, "f"), words(40), 0o600))
		unix.Sync()
		e := erase(t, haunted{place: where}, order)
		if e.LevelAchieved != level || slices.Contains(e.Residual, "journal-unsearched") || slices.Contains(e.Residual, "journal-copies") != (level == wipe.LevelLogical) {
			t.Errorf("%+v", e)
		}
	}
}

// TestRangesThatXFSZeroed gives other blocks to a range that is to read as zeros: the
// overwrite does not reach the former ones, which is told as of any old version, and
// where free space is given back they are gone.
func TestRangesThatXFSZeroed(t *testing.T) {
	for depth, most := range map[wipe.Depth]int{wipe.DepthFiles: 3000, wipe.DepthMedium: 0} {
		d := newDisk(t, 320<<20, "", "mkfs.xfs", "-q", "-f")
		path := filepath.Join(d.root, "f")
		must(t, os.WriteFile(path, words(3000), 0o600))
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		must(t, err)
		must(t, f.Sync())
		must(t, unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_ZERO_RANGE, 0, 100_000))
		must(t, f.Sync())
		must(t, f.Close())
		order := deep(d.root, "f", depth)
		order.Budget = 1 << 20
		e := erase(t, wipe.Kernel{}, order)
		hits := d.hits(canary)
		t.Logf("%q: %d hits", depth, hits)
		if hits > most || e.LevelAchieved != wipe.LevelClear || !slices.Contains(e.Residual, "old-versions") {
			t.Errorf("%d hits: %+v", hits, e)
		}
	}
}
