package lab

import (
	"os"
	"testing"
)

// pageEnv names the page to write; with it the whole table is made.
const pageEnv = "LAB_PAGE"

// TestTheQuickHalf is what every test run has time for: ours everywhere, and rm where the
// search is seen to find what was left.
func TestTheQuickHalf(t *testing.T) {
	needRoot(t, "mkfs.xfs", "mkfs.btrfs")
	t.Run("ext4 ordered "+rm.name, func(t *testing.T) { run(t, forms[0], rm, little) })
	small := forms[0]
	small.size = 64 * mega // filling it takes long
	for _, m := range between {
		t.Run("ext4 ordered "+m.name, func(t *testing.T) { run(t, small, m, little) })
	}
	for _, f := range forms {
		for _, m := range oursOnly {
			t.Run(f.name+" "+m.name, func(t *testing.T) { run(t, f, m, little) })
		}
	}
}

// TestTheWholeTable is what `make lab` runs: everybody on every file system.
func TestTheWholeTable(t *testing.T) {
	page := os.Getenv(pageEnv)
	if page == "" {
		t.Skip("only make lab makes the whole table")
	}
	needRoot(t, "mkfs.xfs", "mkfs.btrfs", "shred", "srm", "wipe")
	var disks, flash []outcome
	for _, f := range forms {
		for _, m := range methods {
			t.Run(f.name+" "+m.name, func(t *testing.T) { disks = append(disks, run(t, f, m, all)) })
		}
	}
	for _, kind := range sticks {
		for _, m := range flashMethods {
			t.Run(kind.name+" "+m.name, func(t *testing.T) { flash = append(flash, runOnFlash(t, kind, m, all)) })
		}
	}
	if t.Failed() {
		t.Fatal("the page is not written, since it would tell of a run that failed")
	}
	must(t, writePage(page, disks, flash))
}
