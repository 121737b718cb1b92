package wipe_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"unbindd/wipe"
)

func TestFilesOfEverySize(t *testing.T) {
	for _, size := range []int{0, 1, 4095, 4096, 4097, 65536, 65537, 300_000} {
		root := plant(t, map[string]int{"f": size, "other": 100})
		before := listing(t, root)
		e := erase(t, newTap(), target(root, "f"))
		want := wipe.Evidence{
			Name: "spool", Kind: "data", Type: "ext4", Method: "clear", Technique: "overwrite-random-1", Standard: "none-claimed",
			LevelRequested: wipe.LevelClear, LevelAchieved: wipe.LevelClear, Verified: wipe.Pass,
			Residual: []string{"names", "old-versions", "stale-flash"}, Bytes: int64(size), Items: 1,
		}
		if size > 0 { // nobody can open the device
			want.Residual = slices.Insert(want.Residual, 0, "journal-unsearched")
		}
		if !reflect.DeepEqual(e, want) {
			t.Errorf("%d bytes: %+v", size, e)
		}
		delete(before, "f")
		if after := listing(t, root); !maps.Equal(after, before) {
			t.Errorf("%d bytes: left %v", size, after)
		}
	}
}

// TestNothingOfAFileReachesTheTruncate looks at each file through its own
// descriptor in the moment before it is cut.
func TestNothingOfAFileReachesTheTruncate(t *testing.T) {
	root := plant(t, map[string]int{"f": 200_000})
	spare, err := os.Open(filepath.Join(root, "f"))
	must(t, err)
	defer spare.Close()
	sys, looked := newTap(), false
	sys.hear = func(call string) error {
		if call == "truncate" {
			body := make([]byte, 300_000)
			n, _ := spare.ReadAt(body, 0)
			looked = n == 200_704 // whole blocks
			if strings.Contains(string(body[:n]), canary[:8]) {
				t.Error("the content is still there")
			}
		}
		return nil
	}
	if e := erase(t, sys, target(root, "f")); e.Verified != wipe.Pass || !looked {
		t.Fatalf("looked %v, %+v", looked, e)
	}
}

func TestTreesAndPatterns(t *testing.T) {
	files := map[string]int{
		"a/log.1": 10, "a/log.2": 5000, "a/lock": 1, "a/deep/er/x": 70_000, "a/empty/": 0, "b": 20, "a2/log.1": 5,
	}
	for _, c := range []struct {
		path  string
		keep  []string
		gone  []string
		items int64
	}{
		{"a", nil, []string{"a"}, 8},
		{"a/log.*", nil, []string{"a/log.1", "a/log.2"}, 2},
		{"a/*", nil, []string{"a/log.1", "a/log.2", "a/lock", "a/deep", "a/empty"}, 7},
		{"a/deep", nil, []string{"a/deep"}, 3},
		{"a", []string{"lock"}, []string{"a/log.1", "a/log.2", "a/deep", "a/empty"}, 6},
		{"a", []string{"er"}, []string{"a/log.1", "a/log.2", "a/lock", "a/empty"}, 4},
		{"a/*", []string{"log.1"}, []string{"a/log.2", "a/lock", "a/deep", "a/empty"}, 6},
		{"b", []string{"b"}, nil, 0},
		{"nothing/here", nil, nil, 0},
		{"*.none", nil, nil, 0},
		{"*/log.1", nil, []string{"a/log.1", "a2/log.1"}, 2},
		{"a*/log.*", nil, []string{"a/log.1", "a/log.2", "a2/log.1"}, 3},
		{"a*/log.*", []string{"a2"}, []string{"a/log.1", "a/log.2"}, 2},
		{"?/*/er", nil, []string{"a/deep/er"}, 2},
		{"*/deep", nil, []string{"a/deep"}, 3},
		{"*/none/x", nil, nil, 0},
		{"none/*/x", nil, nil, 0},
	} {
		root := plant(t, files)
		want := listing(t, root)
		for _, gone := range c.gone {
			maps.DeleteFunc(want, func(name, _ string) bool { return name == gone || strings.HasPrefix(name, gone+"/") })
		}
		order := target(root, c.path)
		order.Keep = c.keep
		e := erase(t, newTap(), order)
		if e.Verified != wipe.Pass || e.LevelAchieved != wipe.LevelClear || e.Items != c.items {
			t.Errorf("%s keeping %v: %+v", c.path, c.keep, e)
		}
		if after := listing(t, root); !maps.Equal(after, want) {
			t.Errorf("%s keeping %v: left %v, want %v", c.path, c.keep, after, want)
		}
		if again := erase(t, newTap(), order); again.Verified != wipe.Pass || again.Technique != "absent" || again.Items != 0 {
			t.Errorf("%s keeping %v, again: %+v", c.path, c.keep, again)
		}
	}
}

func TestWhatIsNoFileIsNeverOpened(t *testing.T) {
	outside := plant(t, map[string]int{"victim": 5000, "folder/victim": 10})
	root := plant(t, map[string]int{"d/": 0})
	in := func(name string) string { return filepath.Join(root, "d", name) }
	must(t, os.Symlink(filepath.Join(outside, "victim"), in("to-file")))
	must(t, os.Symlink(filepath.Join(outside, "folder"), in("to-folder")))
	must(t, os.Symlink("nowhere", in("to-nothing")))
	must(t, unix.Mkfifo(in("pipe"), 0o600))
	socket, err := net.Listen("unix", in("socket"))
	must(t, err)
	defer socket.Close()
	before := listing(t, outside)
	sys := newTap()
	sys.hear = func(call string) error {
		if call == "open-file" || call == "open-direct" || call == "write" {
			t.Errorf("%s was called", call)
		}
		return nil
	}
	e := erase(t, sys, target(root, "d"))
	if e.Verified != wipe.Pass || e.Items != 6 || e.Method != "delete" || !absent(filepath.Join(root, "d")) {
		t.Errorf("%+v", e)
	}
	if after := listing(t, outside); !maps.Equal(after, before) {
		t.Errorf("what the links pointed to changed: %v", after)
	}
}

func TestALinkAsTarget(t *testing.T) {
	outside := plant(t, map[string]int{"victim": 5000})
	root := t.TempDir()
	must(t, os.Symlink(outside, filepath.Join(root, "link")))
	before := listing(t, outside)
	if e := erase(t, newTap(), target(root, "link/victim")); e.Verified == wipe.Pass || e.LevelAchieved != wipe.LevelNone {
		t.Errorf("through the link: %+v", e)
	}
	if e := erase(t, newTap(), target(root, "link")); e.Verified != wipe.Pass || e.Items != 1 {
		t.Errorf("the link itself: %+v", e)
	}
	if after := listing(t, outside); !maps.Equal(after, before) {
		t.Errorf("what the link pointed to changed: %v", after)
	}
}

func TestHardLinksAreTold(t *testing.T) {
	root := plant(t, map[string]int{"f": 5000})
	must(t, os.Link(filepath.Join(root, "f"), filepath.Join(root, "second")))
	e := erase(t, newTap(), target(root, "f"))
	if e.Verified != wipe.Pass || !slices.Contains(e.Residual, "hard-links") {
		t.Errorf("%+v", e)
	}
	if body, err := os.ReadFile(filepath.Join(root, "second")); len(body) != 0 || err != nil {
		t.Errorf("the second name still leads to %d bytes, %v", len(body), err)
	}
}

func TestAHoleIsNotFilled(t *testing.T) {
	root := plant(t, map[string]int{"f": 10})
	f, err := os.OpenFile(filepath.Join(root, "f"), os.O_RDWR, 0)
	must(t, err)
	must(t, f.Truncate(1<<40))
	_, err = f.WriteAt([]byte(canary), 1<<39)
	must(t, err)
	must(t, f.Close())
	sys, written := newTap(), int64(0)
	sys.write = func(fd int, p []byte, offset int64) (int, error) {
		written += int64(len(p))
		return sys.Kernel.WriteAt(fd, p, offset)
	}
	if e := erase(t, sys, target(root, "f")); e.Verified != wipe.Pass || written > 1<<20 {
		t.Fatalf("%d bytes written, %+v", written, e)
	}
}

func TestTheFileSystemBoundsTheLevel(t *testing.T) {
	for name, c := range map[string]struct {
		magic    int64
		level    wipe.Level
		residual string
	}{
		"ext4":      {ext4, wipe.LevelClear, "journal-unsearched names old-versions stale-flash"}, // its device cannot be opened
		"xfs":       {0x58465342, wipe.LevelClear, "names old-versions stale-flash"},
		"f2fs":      {0xF2F52010, wipe.LevelClear, "names old-versions stale-flash"},
		"vfat":      {0x4d44, wipe.LevelClear, "names old-versions stale-flash"},
		"tmpfs":     {0x01021994, wipe.LevelClear, "ram swap"},
		"btrfs":     {0x9123683E, wipe.LevelLogical, "copies-below names"},
		"overlayfs": {0x794c7630, wipe.LevelLogical, "copies-below names"},
		"fuse":      {0x65735546, wipe.LevelLogical, "copies-below names"},
		"ubifs":     {0x24051905, wipe.LevelLogical, "copies-below names"},
		"unknown":   {0x12345678, wipe.LevelLogical, "copies-below names"},
	} {
		root := plant(t, map[string]int{"f": 5000})
		sys := newTap()
		sys.magic = c.magic
		order := target(root, "f")
		order.Requested = wipe.LevelPurgeVerified
		if s := wipe.Dry(sys, order); s.Best != c.level || s.Type != name || len(s.Blockers) != 1 {
			t.Errorf("%s, dry: %+v", name, s)
		}
		e := erase(t, sys, order)
		if e.Type != name || e.LevelAchieved != c.level || e.Verified != wipe.Pass || e.Reason == "" || strings.Join(e.Residual, " ") != c.residual {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

func TestEncryptedContentLeavesOnlyCiphertext(t *testing.T) {
	root := plant(t, map[string]int{"f": 10})
	order := target(root, "f")
	order.Encrypted = true
	e := erase(t, newTap(), order)
	if got := strings.Join(e.Residual, " "); got != "journal-unsearched names old-versions-encrypted stale-flash-encrypted" {
		t.Errorf("residual %q", got)
	}
}

func TestAbsentClaimsNoMoreThanAsked(t *testing.T) {
	for asked, want := range map[wipe.Level]wipe.Level{
		wipe.LevelLogical: wipe.LevelLogical, wipe.LevelClear: wipe.LevelClear, wipe.LevelPurgeAsserted: wipe.LevelClear,
	} {
		order := target(t.TempDir(), "f")
		order.Requested = asked
		e := erase(t, newTap(), order)
		if e.LevelAchieved != want || e.Technique != "absent" || e.Verified != wipe.Pass || len(e.Residual) != 0 {
			t.Errorf("%s: %+v", asked, e)
		}
	}
	order := target(filepath.Join(t.TempDir(), "no", "root"), "f")
	if e := erase(t, newTap(), order); e.Type != "none" || e.LevelAchieved != wipe.LevelClear || e.Verified != wipe.Pass {
		t.Errorf("no root: %+v", e)
	}
}

func TestStoppingIsTold(t *testing.T) {
	root := plant(t, map[string]int{"d/a": 10, "d/b": 10, "d/c": 10})
	ctx, cancel := context.WithCancel(context.Background())
	e := wipe.Erase(ctx, newTap(), target(root, "d"), func(op string) {
		if op == "unlink" {
			cancel()
		}
	})
	if e.LevelAchieved != wipe.LevelNone || e.Verified != wipe.Unknown || e.Items != 1 || e.Reason != "stopped before the end" {
		t.Errorf("%+v", e)
	}
}

func TestEvidenceHasTheCertificatesMembers(t *testing.T) {
	body, err := json.Marshal(erase(t, newTap(), target(t.TempDir(), "f")))
	must(t, err)
	var members map[string]any
	must(t, json.Unmarshal(body, &members))
	got := strings.Join(slices.Sorted(maps.Keys(members)), " ")
	if want := "bytes items kind level_achieved level_requested method name reason residual standard technique type verified"; got != want {
		t.Errorf("members %s, want %s", got, want)
	}
}

func TestLookAndDryTouchNothing(t *testing.T) {
	root := plant(t, map[string]int{"a/x": 100, "a/deep/y": 200, "a/deep/keep": 1, "b": 5})
	must(t, os.Symlink("x", filepath.Join(root, "a", "link")))
	before := listing(t, root)
	order := target(root, "a")
	order.Keep = []string{"keep"}
	sys := newTap()
	sys.readonly = true
	s := wipe.Dry(sys, order)
	want := wipe.Survey{Items: 3, Bytes: 300, Type: "ext4", Best: wipe.LevelClear, Leaves: []string{"names", "old-versions", "stale-flash"}, Blockers: []wipe.Hindrance{{Code: wipe.HindranceReadOnly}}}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("dry: %+v", s)
	}
	present, err := wipe.Look(newTap(), order)
	if got := strings.Join(sorted(present), " "); got != "a/deep/y a/link a/x" || err != nil {
		t.Errorf("look: %s, %v", got, err)
	}
	if after := listing(t, root); !maps.Equal(after, before) {
		t.Errorf("something changed: %v", after)
	}
	if e := erase(t, newTap(), order); e.Verified != wipe.Pass || !slices.Contains(e.Residual, "kept") {
		t.Errorf("%+v", e)
	}
	if present, err := wipe.Look(newTap(), order); len(present) > 0 || err != nil {
		t.Errorf("look afterwards: %v, %v", present, err)
	}
}

func TestLookDoesNotMistakeTroubleForAbsence(t *testing.T) {
	root := plant(t, map[string]int{"d/x": 1})
	for _, call := range []string{"open-root", "open-folder", "stat", "stat-at", "filesystem", "names"} {
		sys := newTap()
		sys.hear = func(c string) error {
			if c == call {
				return unix.EACCES
			}
			return nil
		}
		if present, err := wipe.Look(sys, target(root, "d")); err == nil {
			t.Errorf("%s fails: look says %v and no error", call, present)
		}
		if s := wipe.Dry(sys, target(root, "d")); len(s.Blockers) == 0 {
			t.Errorf("%s fails: dry sees no blocker", call)
		}
	}
	bad := target(root, "d")
	bad.Root = "/"
	if _, err := wipe.Look(newTap(), bad); !errors.Is(err, wipe.ErrRefused) {
		t.Errorf("look at a refused target: %v", err)
	}
}

// TestAnyTree erases random trees with random names to keep, and looks that
// exactly the right things are gone.
func TestAnyTree(t *testing.T) {
	dir := t.TempDir()
	name := rapid.SampledFrom([]string{"a", "b", "c", "lock", "*", "[", "x y", "\xff"})
	rapid.Check(t, func(rt *rapid.T) {
		root, err := os.MkdirTemp(dir, "root")
		must(t, err)
		for range rapid.IntRange(0, 12).Draw(rt, "files") {
			parts := rapid.SliceOfN(name, 1, 4).Draw(rt, "path")
			path := filepath.Join(append([]string{root, "t"}, parts...)...)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err == nil {
				_ = os.WriteFile(path, make([]byte, rapid.IntRange(0, 9000).Draw(rt, "size")), 0o600)
			}
		}
		must(t, os.WriteFile(filepath.Join(root, "outside"), []byte(canary), 0o600))
		order := target(root, "t")
		order.Keep = rapid.SliceOfN(name, 0, 2).Draw(rt, "keep")
		want := keptOf(listing(t, root), order.Keep)
		e := erase(t, newTap(), order)
		if after := listing(t, root); e.Verified != wipe.Pass || !maps.Equal(after, want) {
			rt.Fatalf("%+v left %v, want %v", e, after, want)
		}
	})
}

// keptOf is what an erase of t must leave: what is outside, what is kept, and
// the folders around that.
func keptOf(all map[string]string, keep []string) map[string]string {
	left := map[string]string{}
	for name, what := range all {
		parts := strings.Split(name, "/")
		i := slices.IndexFunc(parts, func(p string) bool { return slices.Contains(keep, p) })
		if parts[0] != "t" || i >= 0 {
			left[name] = what
			for dir := filepath.Dir(name); dir != "."; dir = filepath.Dir(dir) {
				left[dir] = fs.ModeDir.String()
			}
		}
	}
	return left
}
