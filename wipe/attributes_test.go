package wipe_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"unbindd/wipe"
)

// TestAttributesAreOverwrittenAndRemoved hears of each attribute before the file
// itself is touched.
func TestAttributesAreOverwrittenAndRemoved(t *testing.T) {
	root := plant(t, map[string]int{"d/f": 100, "d/e/": 0})
	for _, name := range []string{"d/f", "d/e", "d"} {
		err := unix.Setxattr(filepath.Join(root, name), "user.note", []byte(canary), 0)
		if errors.Is(err, unix.EOPNOTSUPP) {
			t.Skip("the file system of the tests has no attributes")
		}
		must(t, err)
	}
	sys := newTap()
	var heard []string
	sys.hear = func(call string) error {
		if slices.Contains([]string{"set-attribute", "remove-attribute", "write", "sync"}, call) {
			heard = append(heard, call)
		}
		return nil
	}
	if e := erase(t, sys, target(root, "d")); e.Verified != wipe.Pass || e.Items != 3 {
		t.Errorf("%+v", e)
	}
	one := "set-attribute sync remove-attribute "
	if got := strings.Join(heard, " "); !strings.HasPrefix(got, one+one+"sync "+one+"write sync") {
		t.Errorf("heard %s", got)
	}
}

// What was overwritten in its place is in the journal still, and that is told also when a cut lies in between.
func TestAttributesInAJournalAreTold(t *testing.T) {
	for _, marked := range []bool{true, false} {
		root := plant(t, map[string]int{"f": 100})
		if marked {
			if err := unix.Setxattr(filepath.Join(root, "f"), "user.note", []byte(canary), 0); err != nil {
				t.Skip("the file system of the tests has no attributes")
			}
		}
		var kept []string
		order := target(root, "f")
		order.Lowered = func(_ wipe.Level, leaves string) error { kept = append(kept, leaves); return nil }
		e := erase(t, newTap(), order)
		if told := slices.Contains(e.Residual, "xattrs"); told != marked || slices.Contains(kept, "xattrs") != marked {
			t.Errorf("attributes %v: residual %v, kept %v", marked, e.Residual, kept)
		}
		if e.LevelAchieved != wipe.LevelClear && e.LevelAchieved != wipe.LevelLogical {
			t.Errorf("%+v", e)
		}
	}
}

func TestAnAttributeThatStaysIsAFailure(t *testing.T) {
	for _, call := range []string{"attributes", "attribute-size", "set-attribute", "remove-attribute"} {
		root := plant(t, map[string]int{"f": 100})
		if err := unix.Setxattr(filepath.Join(root, "f"), "user.note", []byte(canary), 0); err != nil {
			t.Skip("the file system of the tests has no attributes")
		}
		sys := newTap()
		sys.hear = func(c string) error {
			if c == call {
				return unix.EIO
			}
			return nil
		}
		if e := erase(t, sys, target(root, "f")); e.Verified != wipe.Fail || !strings.Contains(e.Reason, "attribute") || absent(filepath.Join(root, "f")) {
			t.Errorf("%s fails: %+v", call, e)
		}
	}
}

// TestImmutableFiles sets the real flag, which forbids even root to open the
// file to write, to unlink it, and to unlink what lies in such a folder.
func TestImmutableFiles(t *testing.T) {
	d := newDisk(t, 16<<20, "", "mkfs.ext4", "-q", "-F")
	dir := filepath.Join(d.root, "app")
	must(t, os.Mkdir(dir, 0o700))
	for _, name := range []string{"fixed", "appended"} {
		must(t, os.WriteFile(filepath.Join(dir, name), words(10), 0o600))
	}
	k := wipe.Kernel{}
	flag := func(path string, flags uint32) {
		fd, err := k.OpenPlain(unix.AT_FDCWD, path)
		must(t, err)
		defer k.Close(fd)
		now, err := k.Flags(fd)
		must(t, err)
		must(t, k.SetFlags(fd, now|flags))
	}
	flag(filepath.Join(dir, "fixed"), 0x10)
	flag(filepath.Join(dir, "appended"), 0x20)
	flag(dir, 0x10)
	p := wipe.PlanFor(k, target(d.root, "app"))
	if !slices.Contains(p.Blockers, wipe.Hindrance{Code: wipe.HindranceFixed, N: 2}) {
		t.Errorf("plan %+v", p)
	}
	if e := erase(t, k, target(d.root, "app")); e.Verified != wipe.Pass || e.LevelAchieved != wipe.LevelClear || e.Items != 3 {
		t.Errorf("%+v", e)
	}
}

// TestAnImmutableFileThatCannotBeFreed keeps its name.
func TestAnImmutableFileThatCannotBeFreed(t *testing.T) {
	root := plant(t, map[string]int{"f": 100})
	sys := newTap()
	sys.medium.flags = func(int) (uint32, error) { return 0x10, nil }
	sys.hear = func(call string) error {
		if call == "open-file" || call == "set-flags" {
			return unix.EPERM
		}
		return nil
	}
	if e := erase(t, sys, target(root, "f")); e.Verified != wipe.Fail || e.LevelAchieved != wipe.LevelNone || absent(filepath.Join(root, "f")) {
		t.Errorf("%+v", e)
	}
}
