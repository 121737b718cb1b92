package wipe_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"unbindd/wipe"
)

func TestRefusedTargets(t *testing.T) {
	root := plant(t, map[string]int{"d/f": 10, "g": 10})
	before := listing(t, root)
	for name, change := range map[string]func(*wipe.Target){
		"no name":              func(o *wipe.Target) { o.Name = "" },
		"unknown kind":         func(o *wipe.Target) { o.Kind = "disk" },
		"unknown level":        func(o *wipe.Target) { o.Requested = "shredded" },
		"root of the system":   func(o *wipe.Target) { o.Root = "/" },
		"path is the system":   func(o *wipe.Target) { o.Path = "/" },
		"root without path":    func(o *wipe.Target) { o.Root = "" },
		"path is the root":     func(o *wipe.Target) { o.Path = root },
		"path is above":        func(o *wipe.Target) { o.Path = filepath.Dir(root) },
		"path is beside":       func(o *wipe.Target) { o.Path = root + "x/f" },
		"relative":             func(o *wipe.Target) { o.Path = "d/f" },
		"relative root":        func(o *wipe.Target) { o.Root = "." },
		"dots":                 func(o *wipe.Target) { o.Path = root + "/d/../g" },
		"dots at the end":      func(o *wipe.Target) { o.Path = root + "/.." },
		"one dot":              func(o *wipe.Target) { o.Path = root + "/./g" },
		"doubled slash":        func(o *wipe.Target) { o.Path = root + "//g" },
		"slash at the end":     func(o *wipe.Target) { o.Path = root + "/d/" },
		"NUL":                  func(o *wipe.Target) { o.Path = root + "/g\x00" },
		"NUL in the root":      func(o *wipe.Target) { o.Root = root + "\x00" },
		"two stars":            func(o *wipe.Target) { o.Path = root + "/**/f" },
		"two stars at the end": func(o *wipe.Target) { o.Path = root + "/d/**" },
		"pattern as root":      func(o *wipe.Target) { o.Root, o.Path = root+"/*", root+"/*/f" },
		"malformed pattern":    func(o *wipe.Target) { o.Path = root + "/[" },
		"malformed before":     func(o *wipe.Target) { o.Path = root + "/[/f" },
		"path kept":            func(o *wipe.Target) { o.Keep = []string{"d/f"} },
		"nothing kept":         func(o *wipe.Target) { o.Keep = []string{""} },
	} {
		order := target(root, "d/f")
		change(&order)
		sys := newTap()
		sys.hear = func(call string) error { t.Errorf("%s: %s was called", name, call); return nil }
		e := erase(t, sys, order)
		if e.LevelAchieved != wipe.LevelNone || e.Verified != wipe.Fail || !strings.HasPrefix(e.Reason, "refused") {
			t.Errorf("%s: %+v", name, e)
		}
		if _, err := wipe.Look(sys, order); !errors.Is(err, wipe.ErrRefused) {
			t.Errorf("%s: look says %v", name, err)
		}
		if s := wipe.Dry(sys, order); len(s.Blockers) != 1 || s.Best != wipe.LevelNone {
			t.Errorf("%s: dry says %+v", name, s)
		}
	}
	if after := listing(t, root); !maps.Equal(after, before) {
		t.Errorf("something changed: %v", after)
	}
}

func TestLevelsAreOrdered(t *testing.T) {
	last := -1
	for _, l := range []wipe.Level{"none", "logical", "clear", "purge-asserted", "purge-verified"} {
		if l.Rank() <= last {
			t.Errorf("%s has rank %d after %d", l, l.Rank(), last)
		}
		last = l.Rank()
	}
	if wipe.Level("destroyed").Rank() != -1 {
		t.Error("an unknown level has a rank")
	}
}

// FuzzTarget looks that no target that is accepted can mean a place outside its
// root.
func FuzzTarget(f *testing.F) {
	f.Add("/var/lib/app", "/var/lib/app/data", "keep")
	f.Add("/", "/etc", "")
	f.Add("/a", "/a/../b", "..")
	f.Add("/a", "/a/[a-", "x")
	f.Fuzz(func(t *testing.T, root, path, keep string) {
		order := wipe.Target{Name: "n", Kind: "data", Root: root, Path: path, Requested: wipe.LevelClear, Keep: []string{keep}}
		if order.Check() != nil {
			return
		}
		rel, err := filepath.Rel(root, path)
		if err != nil || rel == "." || rel == ".." || strings.HasPrefix(rel, "../") || root == "/" || strings.ContainsRune(path, 0) {
			t.Fatalf("accepted %q below %q", path, root)
		}
	})
}

// A pattern takes names that begin with a dot, no link that it matches is
// followed, and one that matches nothing is absent.
func TestAPatternTakesDotsAndFollowsNothing(t *testing.T) {
	root := plant(t, map[string]int{"home/.ash_history": 100, "home/.bash_history": 100, "home/bash_history": 100, "home/.profile": 10, "outside/.history": 100})
	must(t, os.Symlink("../outside", root+"/home/.zsh_history"))
	if e := erase(t, newTap(), target(root, "home/.*_history")); e.Verified != wipe.Pass || e.Items != 3 {
		t.Errorf("%+v", e)
	}
	if got := strings.Join(slices.Sorted(maps.Keys(listing(t, root))), " "); !strings.Contains(got, "home/.profile home/bash_history") || !strings.Contains(got, "outside/.history") || strings.Contains(got, ".ash") {
		t.Errorf("left: %s", got)
	}
	if e := erase(t, newTap(), target(root, "home/.*_history")); e.Technique != "absent" || e.Verified != wipe.Pass || e.Items != 0 {
		t.Errorf("where nothing matches: %+v", e)
	}
	order := target(root, "home/*")
	order.Spare = []string{".profile"}
	if e := erase(t, newTap(), order); e.Verified != wipe.Pass || e.Items != 1 {
		t.Errorf("what is spared: %+v", e)
	}
}
