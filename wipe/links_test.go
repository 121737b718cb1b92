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

// marked is a kernel under which everything has these attributes, whatever the file
// system of the tests knows.
type marked struct {
	*tap
	names []string
	admin bool
}

func (k marked) Admin() (bool, error)             { return k.admin, k.hear("admin") }
func (k marked) Attributes(int) ([]string, error) { return slices.Clone(k.names), k.hear("attributes") }
func (k marked) AttributeSize(int, string) (int, error) {
	return len(canary), k.hear("attribute-size")
}
func (k marked) SetAttribute(int, string, []byte) error { return k.hear("set-attribute") }
func (k marked) RemoveAttribute(int, string) error      { return k.hear("remove-attribute") }

// ofLinks are the calls that take a link's attributes.
var ofLinks = []string{"open-name", "attributes", "attribute-size", "set-attribute", "remove-attribute"}

// reluctant is such a kernel for a folder with a link, in which one call says no.
func reluctant(t *testing.T, call string, errno error) (marked, string) {
	root := t.TempDir()
	must(t, os.Symlink("nowhere", filepath.Join(root, "link")))
	sys := marked{newTap(), []string{"trusted.note"}, true}
	sys.hear = func(c string) error {
		if c == call {
			return errno
		}
		return nil
	}
	return sys, root
}

// TestAPipeOutsideKeepsItsAttributes binds a pipe over one of the target.
func TestAPipeOutsideKeepsItsAttributes(t *testing.T) {
	d := newDisk(t, 16<<20, "", "mkfs.ext4", "-q", "-F")
	in := func(name string) string { return filepath.Join(d.root, name) }
	must(t, os.Mkdir(in("app"), 0o700))
	for _, name := range []string{"app/pipe", "outside"} {
		must(t, unix.Mkfifo(in(name), 0o600))
	}
	must(t, unix.Setxattr(in("outside"), "trusted.note", []byte(canary), 0))
	must(t, unix.Mount(in("outside"), in("app/pipe"), "", unix.MS_BIND, ""))
	t.Cleanup(func() { must(t, unix.Unmount(in("app/pipe"), 0)) })
	e := erase(t, wipe.Kernel{}, target(d.root, "app"))
	if e.Verified != wipe.Fail || !strings.Contains(e.Reason, "another part of the file system") {
		t.Errorf("%+v", e)
	}
	value := make([]byte, 100)
	n, err := unix.Getxattr(in("outside"), "trusted.note", value)
	if err != nil || string(value[:n]) != canary {
		t.Errorf("its attribute is %q, %v", value[:max(n, 0)], err)
	}
}

func TestASecondNameOfALinkIsTold(t *testing.T) {
	for _, second := range []bool{true, false} {
		root := t.TempDir()
		must(t, unix.Mkfifo(filepath.Join(root, "pipe"), 0o600))
		if second {
			must(t, os.Link(filepath.Join(root, "pipe"), filepath.Join(root, "outside")))
		}
		if e := erase(t, newTap(), target(root, "pipe")); e.Verified != wipe.Pass || slices.Contains(e.Residual, "hard-links") != second {
			t.Errorf("a second name %v: %+v", second, e)
		}
	}
}

// Where nobody may look at them or change them, the link goes and that is told.
func TestAttributesOfALinkThatMayNotBeTouched(t *testing.T) {
	for _, call := range ofLinks[1:] {
		for _, errno := range []error{unix.EPERM, unix.EACCES} {
			sys, root := reluctant(t, call, errno)
			e := erase(t, sys, target(root, "link"))
			if e.Verified != wipe.Pass || e.LevelAchieved != wipe.LevelClear || !slices.Contains(e.Residual, "xattrs") {
				t.Errorf("%s, %v: %+v", call, errno, e)
			}
		}
	}
}

// A link whose attributes meet trouble keeps its name, unless the target says
// otherwise; then the level is logical, and it stays where that cannot be kept.
func TestALinkGoesAnyway(t *testing.T) {
	for _, call := range ofLinks {
		for _, anyway := range []bool{false, true} {
			for _, kept := range []bool{true, false} {
				sys, root := reluctant(t, call, unix.EIO)
				order := target(root, "link")
				order.Anyway, order.Lowered = anyway, func(to wipe.Level, leaves string) error {
					if !kept && to == wipe.LevelLogical {
						return errors.New("cannot keep it")
					}
					return nil
				}
				e, gone := erase(t, sys, order), absent(filepath.Join(root, "link"))
				proven(t, e, gone)
				if gone != (anyway && kept) {
					t.Errorf("%s, anyway %v, kept %v: gone %v: %+v", call, anyway, kept, gone, e)
				}
				if gone && (e.LevelAchieved != wipe.LevelLogical || !slices.Contains(e.Residual, "xattrs") || !strings.Contains(e.Reason, "attributes could not be overwritten")) {
					t.Errorf("%s: %+v", call, e)
				}
			}
		}
	}
}

// TestALinkThatBecameAFileGoesAnyway has content behind the name by then.
func TestALinkThatBecameAFileGoesAnyway(t *testing.T) {
	sys, root := reluctant(t, "", nil)
	sys.hear = func(call string) error {
		if call == "open-name" {
			must(t, os.Remove(filepath.Join(root, "link")))
			must(t, os.WriteFile(filepath.Join(root, "link"), []byte(canary), 0o600))
		}
		return nil
	}
	order := target(root, "link")
	order.Anyway = true
	e := erase(t, sys, order)
	if e.LevelAchieved != wipe.LevelLogical || !slices.Contains(e.Residual, "unoverwritten") || !slices.Contains(e.Residual, "exchanged") {
		t.Errorf("%+v", e)
	}
}

// TestAttributesThatAreNotShownAreTold: who lacks CAP_SYS_ADMIN is shown none that
// begin with trusted. It is written down once, however many items there are.
func TestAttributesThatAreNotShownAreTold(t *testing.T) {
	for name, c := range map[string]struct {
		admin bool
		lists error
		told  int
	}{
		"shown":        {true, nil, 0},
		"not shown":    {false, nil, 1},
		"there are no": {false, unix.EOPNOTSUPP, 0},
	} {
		root := plant(t, map[string]int{"d/f": 100, "d/e": 100})
		must(t, os.Symlink("nowhere", filepath.Join(root, "d", "link")))
		sys, told := marked{newTap(), nil, c.admin}, 0
		sys.hear = func(call string) error {
			if call == "attributes" {
				return c.lists
			}
			return nil
		}
		order := target(root, "d")
		order.Lowered = func(_ wipe.Level, leaves string) error {
			if leaves == "xattrs" {
				told++
			}
			return nil
		}
		e := erase(t, sys, order)
		if e.Verified != wipe.Pass || e.LevelAchieved != wipe.LevelClear || told != c.told || slices.Contains(e.Residual, "xattrs") != (c.told > 0) {
			t.Errorf("%s: told %d times, %+v", name, told, e)
		}
	}
}
