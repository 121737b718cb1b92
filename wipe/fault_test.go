package wipe_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"unbindd/wipe"
)

// dispensable are the calls that only a stronger rung needs; their failure is
// told by a technique without it.
var dispensable = []string{
	"direct", "swaps", "unused", "release", "admin", "fact", "open-block", "lease", "end-lease", "pin", "discard", "secure-discard", "secure-trim", "trim", "checkpoint",
}

// elsewhere tells whether another call gave the answer: who may not ask for a key
// tries a file that it opens.
func elsewhere(call string, errno unix.Errno) bool { return call == "locked" && errno == unix.EPERM }

// ofALink tells whether it was the attributes of a link that may not be looked at or
// changed, and was told.
func ofALink(call string, errno unix.Errno, e wipe.Evidence) bool {
	return errno == unix.EPERM && slices.Contains(ofLinks[1:], call) && slices.Contains(e.Residual, "xattrs")
}

// TestEveryCallFails lets each call of an erase fail in turn, with each of the
// errors a bad medium gives: the evidence must not be better than the deed, the
// other files must still be erased, and a second run must finish the work.
func TestEveryCallFails(t *testing.T) {
	files := map[string]int{"d/" + canary: 5000, "d/e/" + canary: 10, "d/z": 5000}
	for _, errno := range []unix.Errno{unix.EIO, unix.ENOSPC, unix.EROFS, unix.EPERM} {
		for at := 1; ; at++ {
			root := plant(t, files)
			must(t, os.Symlink("nowhere", filepath.Join(root, "d", "link")))
			_ = unix.Lsetxattr(filepath.Join(root, "d", "link"), "trusted.note", []byte(canary), 0) // where there are attributes, and for root
			sys, n, failed := newTap(), 0, ""
			sys.hear = func(call string) error {
				if n++; n == at {
					failed = call
					return errno
				}
				return nil
			}
			e := erase(t, sys, target(root, "d"))
			if failed == "" {
				break
			}
			proven(t, e, absent(filepath.Join(root, "d")))
			if e.Verified == wipe.Pass && !slices.Contains(dispensable, failed) && !elsewhere(failed, errno) && !ofALink(failed, errno, e) {
				t.Errorf("%v at call %d (%s): %+v", errno, at, failed, e)
			}
			if e := erase(t, newTap(), target(root, "d")); e.Verified != wipe.Pass || !absent(filepath.Join(root, "d")) {
				t.Errorf("%v at call %d (%s), second run: %+v", errno, at, failed, e)
			}
		}
	}
}

// TestEveryCallOfTheLadderFails does the same with a device that takes
// everything and may be told everything. A rung whose call failed is not named,
// and what a level rests on is no rung that may fail.
func TestEveryCallOfTheLadderFails(t *testing.T) {
	for _, errno := range []unix.Errno{unix.EIO, unix.EPERM} {
		for at := 1; ; at++ {
			root := spread(t, map[string]int{"d/a": 9000, "d/e/b": 700})
			_ = unix.Setxattr(filepath.Join(root, "d", "a"), "user.note", []byte(canary), 0) // where there are attributes
			g := newGlass(t, root, "d/a", "d/e/b")
			g.sys.medium.mounts = ownMount(g, "ext4", "rw")
			n, failed := 0, ""
			g.sys.hear = func(call string) error {
				if n++; n == at {
					failed = call
					return errno
				}
				return nil
			}
			e := erase(t, g.sys, deep(root, "d", wipe.DepthMedium))
			if failed == "" {
				break
			}
			proven(t, e, absent(filepath.Join(root, "d")))
			less := strings.Contains(e.Technique, "(1 of 2 files)") // a look before the discard failed, and the discard was left
			if e.Verified == wipe.Pass && !slices.Contains(dispensable, failed) && !elsewhere(failed, errno) && !(less && (failed == "read" || failed == "extents")) {
				t.Errorf("%v at call %d (%s): %+v", errno, at, failed, e)
			}
			for call, rung := range map[string]string{"trim": "fitrim", "discard": "extent-discard,", "lease": "extent-discard,"} {
				if failed == call && strings.Contains(e.Technique, rung) {
					t.Errorf("%v at call %d (%s): %s is claimed", errno, at, failed, rung)
				}
			}
			if e := erase(t, newTap(), target(root, "d")); e.Verified != wipe.Pass || !absent(filepath.Join(root, "d")) {
				t.Errorf("%v at call %d (%s), second run: %+v", errno, at, failed, e)
			}
		}
	}
}

func TestOneBadFileDoesNotStopTheRest(t *testing.T) {
	for _, call := range []string{"open-file", "data", "extents", "random", "write", "sync", "read", "truncate", "unlink"} {
		root := plant(t, map[string]int{"d/a": 5000, "d/b": 5000, "d/c": 5000})
		sys, once := newTap(), false
		sys.hear = func(c string) error {
			if c == call && !once {
				once = true
				return unix.EIO
			}
			return nil
		}
		e := erase(t, sys, target(root, "d"))
		if e.Verified != wipe.Fail || e.LevelAchieved != wipe.LevelNone || e.Items != 2 {
			t.Errorf("%s fails: %+v", call, e)
		}
		if left := slices.Sorted(maps.Keys(listing(t, root))); !slices.Equal(left, []string{"d", "d/a"}) {
			t.Errorf("%s fails: left %v; the bad file must keep its name to be tried again", call, left)
		}
	}
}

func TestALastResortIsToldAsLogical(t *testing.T) {
	root := plant(t, map[string]int{"d/a": 5000, "d/b": 5000})
	sys, once := newTap(), false
	sys.hear = func(call string) error {
		if call == "write" && !once {
			once = true
			return unix.EIO
		}
		return nil
	}
	order := target(root, "d")
	order.Anyway = true
	e := erase(t, sys, order)
	if e.LevelAchieved != wipe.LevelLogical || e.Verified != wipe.Pass || e.Reason == "" || !slices.Contains(e.Residual, "unoverwritten") {
		t.Errorf("%+v", e)
	}
	if !absent(filepath.Join(root, "d")) {
		t.Error("it is still there")
	}
}

// TestAMediumThatForgetsWrites takes every write and keeps none.
func TestAMediumThatForgetsWrites(t *testing.T) {
	root := plant(t, map[string]int{"f": 8192})
	sys := newTap()
	sys.write = func(_ int, p []byte, _ int64) (int, error) { return len(p), nil }
	e := erase(t, sys, target(root, "f"))
	if !strings.Contains(e.Reason, "other bytes than were written") {
		t.Errorf("reason %q", e.Reason)
	}
	if e.Verified != wipe.Fail || e.LevelAchieved != wipe.LevelNone || e.Bytes != 0 || absent(filepath.Join(root, "f")) {
		t.Errorf("%+v", e)
	}
}

func TestShortAndEmptyWrites(t *testing.T) {
	root := plant(t, map[string]int{"f": 5000, "g": 5000})
	sys := newTap()
	sys.write = func(fd int, p []byte, offset int64) (int, error) {
		return sys.Kernel.WriteAt(fd, p[:min(len(p), 7)], offset)
	}
	if e := erase(t, sys, target(root, "f")); e.Verified != wipe.Pass {
		t.Errorf("short writes: %+v", e)
	}
	sys.write = func(int, []byte, int64) (int, error) { return 0, nil }
	if e := erase(t, sys, target(root, "g")); e.Verified != wipe.Fail {
		t.Errorf("empty writes: %+v", e)
	}
}

func TestWithoutDirectReadsTheCacheIsEmptied(t *testing.T) {
	for _, errno := range []unix.Errno{unix.EINVAL, unix.EOPNOTSUPP} {
		root := plant(t, map[string]int{"f": 70_000})
		sys, forgot := newTap(), false
		sys.hear = func(call string) error {
			forgot = forgot || call == "forget"
			if call == "open-direct" {
				return errno
			}
			return nil
		}
		if e := erase(t, sys, target(root, "f")); e.Verified != wipe.Pass || !forgot {
			t.Errorf("%v: forgot %v, %+v", errno, forgot, e)
		}
	}
}

func TestBlocksThatMovedOrAreShared(t *testing.T) {
	at := func(physical, length uint64, shared bool) []wipe.Extent {
		return []wipe.Extent{{Physical: physical, Length: length, Shared: shared}}
	}
	halves := []wipe.Extent{{Physical: 4096, Length: 4096}, {Logical: 4096, Physical: 8192, Length: 4096}}
	for _, c := range []struct {
		name          string
		before, after []wipe.Extent
		want          wipe.Level
	}{
		{"in place", at(4096, 8192, false), at(4096, 8192, false), wipe.LevelClear},
		{"joined", halves, at(4096, 8192, false), wipe.LevelClear},
		{"split", at(4096, 8192, false), halves, wipe.LevelClear},
		{"grown by the rounding", at(4096, 5120, false), at(4096, 8192, false), wipe.LevelClear},
		{"room behind the end given back", append(at(4096, 8192, false), wipe.Extent{Logical: 8192, Physical: 1 << 20, Length: 65536}), at(4096, 8192, false), wipe.LevelClear},
		{"moved", at(4096, 8192, false), at(40960, 8192, false), wipe.LevelLogical},
		{"half moved", at(4096, 8192, false), []wipe.Extent{halves[0], {Logical: 4096, Physical: 1 << 20, Length: 4096}}, wipe.LevelLogical},
		{"shared", at(4096, 8192, true), at(4096, 8192, true), wipe.LevelLogical},
		{"gone", at(4096, 8192, false), nil, wipe.LevelLogical},
	} {
		root := plant(t, map[string]int{"f": 8000})
		sys, asked := newTap(), 0
		sys.extents = func(int) ([]wipe.Extent, error) {
			if asked++; asked == 1 {
				return c.before, nil
			}
			return c.after, nil
		}
		e := erase(t, sys, target(root, "f"))
		moved := slices.Contains(e.Residual, "moved-blocks")
		if e.LevelAchieved != c.want || e.Verified != wipe.Pass || moved != (c.want == wipe.LevelLogical) {
			t.Errorf("%s: %+v", c.name, e)
		}
	}
}

func TestForeignMountsAreRefused(t *testing.T) {
	for _, place := range []struct{ path, below string }{{"d", "d/m"}, {"d/m", "d/m"}, {"d/m/f", "d/m"}, {"d/f", "d/f"}} {
		root := plant(t, map[string]int{"d/m/f": 10, "d/f": 10})
		var st unix.Stat_t
		must(t, unix.Stat(filepath.Join(root, place.below), &st))
		sys := newTap()
		sys.stat = func(fd int, s *wipe.Stat) {
			var asked unix.Stat_t
			must(t, unix.Fstat(fd, &asked))
			if asked.Ino == st.Ino {
				s.Dev++
			}
		}
		e := erase(t, sys, target(root, place.path))
		if e.LevelAchieved != wipe.LevelNone || e.Verified == wipe.Pass || absent(filepath.Join(root, place.below)) {
			t.Errorf("%s, mount at %s: %+v", place.path, place.below, e)
		}
	}
}

// TestANameExchangedInBetween swaps the file for something else after it was
// examined and before it is opened, or opened again.
func TestANameExchangedInBetween(t *testing.T) {
	outside := plant(t, map[string]int{"victim": 5000})
	before := listing(t, outside)
	for name, c := range map[string]struct {
		when string
		swap func(path string)
		why  string
	}{
		"link":  {"open-file", func(p string) { must(t, os.Symlink(filepath.Join(outside, "victim"), p)) }, "a link"},
		"pipe":  {"open-file", func(p string) { must(t, unix.Mkfifo(p, 0o600)) }, "exchanged for something else"},
		"other": {"open-direct", func(p string) { must(t, os.WriteFile(p, []byte("new"), 0o600)) }, "cannot read a file back"},
	} {
		root := plant(t, map[string]int{"f": 5000})
		path := filepath.Join(root, "f")
		sys := newTap()
		sys.hear = func(call string) error {
			if call == c.when {
				must(t, os.Remove(path))
				c.swap(path)
			}
			return nil
		}
		if e := erase(t, sys, target(root, "f")); e.Verified != wipe.Fail || e.LevelAchieved != wipe.LevelNone || !strings.Contains(e.Reason, c.why) {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if after := listing(t, outside); !maps.Equal(after, before) {
		t.Errorf("what the link pointed to changed: %v", after)
	}
}

// TestFilesThatComeBack has somebody write new files while the folder is being
// erased.
func TestFilesThatComeBack(t *testing.T) {
	root := plant(t, map[string]int{"d/f": 10})
	sys := newTap()
	sys.hear = func(call string) error {
		if call == "unlink" {
			must(t, os.WriteFile(filepath.Join(root, "d", canary), nil, 0o600))
		}
		return nil
	}
	e := erase(t, sys, target(root, "d"))
	if e.Verified != wipe.Fail || e.LevelAchieved != wipe.LevelNone {
		t.Errorf("%+v", e)
	}
}

// A try that was cut between the unlink and the flush of the folder leaves names
// that a power cut brings back: the next one flushes what it finds empty, the
// folder that the target's place ends in and each that stays below it, and says
// pass only when that worked.
func TestAFolderIsFlushedWhereNothingIsLeft(t *testing.T) {
	for name, c := range map[string]struct {
		files  map[string]int
		path   string
		keep   []string
		syncs  int
		passes bool // also where the file system knows no such flush
	}{
		"the name is gone":          {map[string]int{"other": 9}, "f", nil, 1, true},
		"a pattern matches nothing": {map[string]int{"other": 9}, "f*", nil, 1, true},
		"a folder before it too":    {map[string]int{"a/other": 9}, "a/b/f", nil, 1, true},
		"a folder that stays":       {map[string]int{"d/kept": 9}, "d", []string{"kept"}, 2, false},
	} {
		for _, errno := range []unix.Errno{0, unix.EIO, unix.EROFS, unix.EINVAL} {
			order, sys, syncs := target(plant(t, c.files), c.path), newTap(), 0
			order.Keep = c.keep
			sys.hear = func(call string) error {
				if call != "sync" {
					return nil
				}
				if syncs++; errno != 0 {
					return errno
				}
				return nil
			}
			e := erase(t, sys, order)
			if syncs != c.syncs {
				t.Errorf("%s, %v: %d flushes, %d are wanted", name, errno, syncs, c.syncs)
			}
			flushed := errno == 0 || errno == unix.EINVAL && c.passes
			if bad := strings.Contains(e.Reason, "flush"); bad == flushed || (bad && e.Verified == wipe.Pass) {
				t.Errorf("%s, %v: %+v", name, errno, e)
			}
		}
	}
}
