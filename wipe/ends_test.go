package wipe_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"unbindd/wipe"
)

// TestAPatternOnTheWayIsRefusedLikeAnyWay has a pattern before the last part match a
// link, another file system, another part of the same one, and too many folders:
// nothing is touched, whatever else it matches.
func TestAPatternOnTheWayIsRefusedLikeAnyWay(t *testing.T) {
	outside := plant(t, map[string]int{"f": 5000})
	is := func(fd int, path string) bool {
		var have, want unix.Stat_t
		must(t, unix.Fstat(fd, &have))
		return unix.Stat(path, &want) == nil && have.Ino == want.Ino
	}
	for name, c := range map[string]struct {
		plant func(root string, sys *tap)
		code  string
	}{
		"a link": {func(root string, _ *tap) {
			must(t, os.Symlink(outside, filepath.Join(root, "d3")))
		}, wipe.HindranceLink},
		"another file system": {func(root string, sys *tap) {
			sys.stat = func(fd int, st *wipe.Stat) {
				if is(fd, filepath.Join(root, "d2")) {
					st.Dev++
				}
			}
		}, wipe.HindranceMount},
		"another part": {func(root string, sys *tap) {
			sys.medium.mount = func(fd, id int) int {
				if is(fd, filepath.Join(root, "d2")) {
					return id + 1
				}
				return id
			}
		}, wipe.HindranceBind},
		"too many": {func(root string, _ *tap) {
			for i := range 500 {
				must(t, os.Mkdir(filepath.Join(root, fmt.Sprint("d-", i)), 0o700))
			}
		}, wipe.HindranceTrouble},
	} {
		root := plant(t, map[string]int{"d1/f": 5000, "d2/f": 5000, "d3-file": 10})
		sys := newTap()
		c.plant(root, sys)
		before := listing(t, root)
		order := target(root, "d*/f")
		if e := erase(t, sys, order); e.LevelAchieved != wipe.LevelNone || e.Verified == wipe.Pass || e.Items != 0 {
			t.Errorf("%s: %+v", name, e)
		}
		if _, err := wipe.Look(sys, order); err == nil {
			t.Errorf("%s: it can be looked at", name)
		}
		if s := wipe.Dry(sys, order); len(s.Blockers) != 1 || s.Blockers[0].Code != c.code || !s.Blockers[0].Stops() {
			t.Errorf("%s: dry says %+v", name, s)
		}
		if after := listing(t, root); !maps.Equal(after, before) {
			t.Errorf("%s: something changed", name)
		}
	}
	if left := listing(t, outside); len(left) != 1 {
		t.Errorf("behind the link: %v", left)
	}
}

// TestAPatternOnTheWayIsErasedInFull matches folders and a file of the same kind of
// name, which is none of the target's; what it means is looked at and counted alike.
func TestAPatternOnTheWayIsErasedInFull(t *testing.T) {
	root := plant(t, map[string]int{"home/a/.hist": 5000, "home/b/.hist": 9000, "home/.c/.hist": 10, "home/b/other": 10, "home/file": 10, "home/d/": 0})
	order := target(root, "home/*/.hist")
	before, err := wipe.Look(wipe.Kernel{}, order)
	must(t, err)
	if want := []string{"home/.c/.hist", "home/a/.hist", "home/b/.hist"}; !slices.Equal(sorted(before), want) {
		t.Errorf("there is %v, want %v", before, want)
	}
	if s := wipe.Dry(wipe.Kernel{}, order); s.Items != 3 || s.Bytes != 14010 {
		t.Errorf("%+v", s)
	}
	if e := erase(t, newTap(), order); e.LevelAchieved != wipe.LevelClear || e.Items != 3 || e.Bytes != 14010 {
		t.Errorf("%+v", e)
	}
	if left := slices.Sorted(maps.Keys(listing(t, root))); !slices.Equal(left, []string{"home", "home/.c", "home/a", "home/b", "home/b/other", "home/d", "home/file"}) {
		t.Errorf("left %v", left)
	}
}

// TestAfterTheLineAPatternMayMeanManyFolders means more folders than are held open.
// Before the line that refuses the target; where it is to go anyway, all of it goes,
// files and folders, and what would refuse a way does so before anything is touched.
func TestAfterTheLineAPatternMayMeanManyFolders(t *testing.T) {
	files := map[string]int{}
	for i := range 1100 {
		files[fmt.Sprintf("d-%04d/", i)] = 0
	}
	want := []string{}
	for _, i := range []int{0, 499, 500, 999, 1000, 1099} {
		files[fmt.Sprintf("d-%04d/f", i)], files[fmt.Sprintf("d-%04d/fs/deep/f", i)] = 500, 500
		for _, name := range []string{"f", "fs", "fs/deep", "fs/deep/f"} {
			want = append(want, fmt.Sprintf("d-%04d/%s", i, name))
		}
	}
	root := plant(t, files)
	order := target(root, "d*/f*")
	if e := erase(t, newTap(), order); e.LevelAchieved != wipe.LevelNone || e.Verified == wipe.Pass || e.Items != 0 {
		t.Errorf("before the line: %+v", e)
	}
	order.Anyway = true
	if have, err := wipe.Look(newTap(), order); err != nil || !slices.Equal(sorted(have), want) {
		t.Errorf("there is %v, %v", have, err)
	}
	link := filepath.Join(root, "d-1050-link")
	must(t, os.Symlink(root, link))
	before := listing(t, root)
	if e := erase(t, newTap(), order); e.Verified == wipe.Pass || !maps.Equal(listing(t, root), before) {
		t.Errorf("beside a link: %+v", e)
	}
	must(t, os.Remove(link))
	if e := erase(t, newTap(), order); e.LevelAchieved != wipe.LevelClear || e.Verified != wipe.Pass || e.Items != int64(len(want)) || e.Bytes != 6000 {
		t.Errorf("%+v", e)
	}
	if left := listing(t, root); len(left) != 1100 {
		t.Errorf("%d names are left", len(left))
	}
}

// TestPowerCutsOnAPattern stops at each call in turn; a second run comes to the end.
func TestPowerCutsOnAPattern(t *testing.T) {
	for at := 1; ; at++ {
		root := plant(t, map[string]int{"a/f": 5000, "b/f": 10, "b/g": 10})
		sys, n, failed := newTap(), 0, ""
		sys.hear = func(call string) error {
			if n++; n >= at {
				failed = call
				return unix.EIO
			}
			return nil
		}
		e := erase(t, sys, target(root, "*/f"))
		proven(t, e, absent(filepath.Join(root, "a", "f")) && absent(filepath.Join(root, "b", "f")))
		if failed == "" {
			return
		}
		if e := erase(t, newTap(), target(root, "*/f")); e.Verified != wipe.Pass || len(listing(t, root)) != 3 {
			t.Errorf("cut at call %d (%s): %+v", at, failed, e)
		}
	}
}

// TestNamelessBelowAPattern finds what a pattern on the way meant and has lost its
// name, and nothing beside it.
func TestNamelessBelowAPattern(t *testing.T) {
	root := plant(t, map[string]int{"a/log/x": 10, "a/dat/x": 10, "b/log/x": 10})
	pid := hold(t, "3<", filepath.Join(root, "a", "log", "x"))
	hold(t, "3<", filepath.Join(root, "a", "dat", "x"))
	must(t, os.Remove(filepath.Join(root, "a", "log", "x")))
	must(t, os.Remove(filepath.Join(root, "a", "dat", "x")))
	held, _, err := wipe.Holders(wipe.Kernel{}, target(root, "*/log/x"))
	must(t, err)
	if len(held) != 1 || held[0].PID != pid || !held[0].Deleted {
		t.Errorf("held by %+v", held)
	}
	if e := erase(t, wipe.Kernel{}, target(root, "*/log/x")); e.LevelAchieved != wipe.LevelLogical || !strings.Contains(fmt.Sprint(e.Residual), "open-holders") {
		t.Errorf("%+v", e)
	}
}
