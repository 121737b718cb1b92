package wipe_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"unbindd/wipe"
)

// TestAJournalInPiecesIsSearched gives a file system in crumbs its journal
// afterwards, so that it lies in more pieces than an inode has room for: content
// in it is found all the same.
func TestAJournalInPiecesIsSearched(t *testing.T) {
	d := newDisk(t, 64<<20, "", "mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-N", "4096")
	crumb := make([]byte, 64<<10)
	for i := 0; ; i++ {
		if err := os.WriteFile(filepath.Join(d.root, fmt.Sprint("crumb", i)), crumb, 0o600); err != nil {
			break // it is full
		}
	}
	crumbs, err := filepath.Glob(filepath.Join(d.root, "crumb*"))
	must(t, err)
	for i := 0; i < len(crumbs); i += 2 {
		must(t, os.Remove(crumbs[i]))
	}
	d.run("umount", d.root)
	d.run("tune2fs", "-j", "-J", "size=4", d.loop)
	d.run("mount", "-o", "data=journal", d.loop, d.root)
	if out, err := exec.Command("debugfs", "-R", "stat <8>", d.loop).CombinedOutput(); err != nil || strings.Count(string(out), ", (") < 5 {
		t.Fatalf("its journal lies in too few pieces: %v\n%s", err, out)
	}
	must(t, os.WriteFile(filepath.Join(d.root, "f"), words(2000), 0o600))
	unix.Sync()
	e := erase(t, withoutRemedy{}, deep(d.root, "f", wipe.DepthMedium))
	if e.LevelAchieved != wipe.LevelLogical || !strings.Contains(e.Reason, "needles are still") || slices.Contains(e.Residual, "journal-unsearched") {
		t.Errorf("%+v", e)
	}
}

// TestAJournalElsewhereIsTold has the journal on a device of its own: nobody
// searches that, which the evidence says, and content that went through it is not
// called cleared.
func TestAJournalElsewhereIsTold(t *testing.T) {
	for options, level := range map[string]wipe.Level{"data=ordered": wipe.LevelClear, "data=journal": wipe.LevelLogical} {
		log := newLoop(t, 16<<20)
		out, err := exec.Command("mke2fs", "-q", "-O", "journal_dev", "-b", "4096", log).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		d := newDisk(t, 64<<20, options, "mkfs.ext4", "-q", "-F", "-b", "4096", "-J", "device="+log)
		must(t, os.WriteFile(filepath.Join(d.root, "f"), words(2000), 0o600))
		unix.Sync()
		order := deep(d.root, "f", wipe.DepthMedium)
		if p := wipe.PlanFor(wipe.Kernel{}, order); p.Best != level {
			t.Errorf("%s: the plan says %s", options, p.Best)
		}
		e := erase(t, wipe.Kernel{}, order)
		if e.LevelAchieved != level || !slices.Contains(e.Residual, "journal-unsearched") || slices.Contains(e.Residual, "journal-copies") != (level == wipe.LevelLogical) {
			t.Errorf("%s: %+v", options, e)
		}
		d.unmount() // it holds the other device
	}
}

// TestALogElsewhereIsTold is the same of xfs, whose log takes no content.
func TestALogElsewhereIsTold(t *testing.T) {
	log := newLoop(t, 80<<20)
	d := newDisk(t, 320<<20, "logdev="+log, "mkfs.xfs", "-q", "-f", "-l", "logdev="+log+",size=70m")
	must(t, os.WriteFile(filepath.Join(d.root, "f"), words(2000), 0o600))
	unix.Sync()
	order := deep(d.root, "f", wipe.DepthMedium)
	order.Budget = 8 << 20
	if e := erase(t, wipe.Kernel{}, order); e.LevelAchieved != wipe.LevelClear || !slices.Contains(e.Residual, "journal-unsearched") || !slices.Contains(e.Residual, "names") {
		t.Errorf("%+v", e)
	}
	d.unmount()
}

// newLoop is a bare device of its own.
func newLoop(t *testing.T, size int64) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, for a loop device")
	}
	image := filepath.Join(t.TempDir(), "log")
	must(t, os.WriteFile(image, nil, 0o600))
	must(t, os.Truncate(image, size))
	loop, err := exec.Command("losetup", "-f", "--show", image).Output()
	must(t, err)
	node := strings.TrimSpace(string(loop))
	t.Cleanup(func() {
		if out, err := exec.Command("losetup", "-d", node).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	return node
}
