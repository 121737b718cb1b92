package wipe_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"unbindd/wipe"
)

// withoutDevice is a kernel that lets nobody open a device.
type withoutDevice struct{ wipe.Kernel }

func (withoutDevice) OpenBlock(uint64, bool) (int, error) { return -1, unix.EACCES }

// again mounts a disk once more, with other options.
func (d *disk) remounted(options string) {
	d.t.Helper()
	d.run("umount", d.root)
	d.run("mount", "-o", options, d.loop, d.root)
}

// grown writes a log line by line, each flushed, as it is while it lies in its inode.
func grown(path string, lines int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for i := range lines {
		if _, err := fmt.Fprintf(f, "%04d %s\n", i, canary); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
	}
	return nil
}

// TestContentThatWentThroughAJournalBefore erases by files alone what was written when
// more went through the journal than now. The level is that of what is found in it, and
// where it was not looked at in full, that is told.
func TestContentThatWentThroughAJournalBefore(t *testing.T) {
	inline := slices.Concat(plainExt4, []string{"-O", "inline_data", "-I", "256"})
	bare := slices.Concat(plainExt4, []string{"-O", "^has_journal"})
	large := slices.Concat(plainExt4, []string{"-J", "size=80"})
	for name, c := range map[string]struct {
		mkfs   []string
		before string // how it was mounted when it was written
		lines  int
		sys    wipe.Sys
		level  wipe.Level
		word   string // "": neither of both
	}{
		"never":                    {plainExt4, "data=ordered", 500, wipe.Kernel{}, wipe.LevelClear, ""},
		"another mode":             {plainExt4, "data=journal", 500, wipe.Kernel{}, wipe.LevelLogical, "journal-copies"},
		"and nobody can look":      {plainExt4, "data=journal", 500, withoutDevice{}, wipe.LevelClear, "journal-unsearched"},
		"and it is large":          {large, "data=journal", 500, wipe.Kernel{}, wipe.LevelClear, "journal-unsearched"},
		"too short to look for":    {plainExt4, "data=journal", 1, wipe.Kernel{}, wipe.LevelClear, "journal-unsearched"},
		"grown out of its inode":   {inline, "data=ordered", 40, wipe.Kernel{}, wipe.LevelLogical, "journal-copies"},
		"without a journal at all": {bare, "noatime", 500, wipe.Kernel{}, wipe.LevelClear, ""},
		"nor long enough":          {bare, "noatime", 1, wipe.Kernel{}, wipe.LevelClear, ""},
	} {
		t.Run(name, func(t *testing.T) {
			size := int64(64 << 20)
			if slices.Contains(c.mkfs, "size=80") {
				size = 192 << 20
			}
			d := newDisk(t, size, c.before, c.mkfs...)
			path := filepath.Join(d.root, "f")
			if c.lines > 100 {
				must(t, os.WriteFile(path, words(c.lines), 0o600))
			} else {
				must(t, grown(path, c.lines))
			}
			unix.Sync()
			d.remounted("noatime")
			order := target(d.root, "f")
			p := wipe.PlanFor(c.sys, order)
			e := wipe.KeyInFile(c.sys, order).Destroy(context.Background(), nil)
			tellsNothing(t, e)
			hits := d.hits(canary)
			t.Logf("%d hits, residual %v, %s, %s", hits, e.Residual, e.Technique, e.Reason)
			if e.LevelAchieved != c.level || e.Verified != wipe.Pass || c.word != "" && !slices.Contains(e.Residual, c.word) {
				t.Errorf("%+v", e)
			}
			if told := strings.Contains(strings.Join(e.Residual, " "), "journal-"); hits > 0 && !told || told && c.word == "" {
				t.Errorf("%d are on the medium: %+v", hits, e)
			}
			if p.Best.Rank() < e.LevelAchieved.Rank() {
				t.Errorf("the plan says %s", p.Best)
			}
		})
	}
}
