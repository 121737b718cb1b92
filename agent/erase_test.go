package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/profile"
	"unbindd/wipe"
)

// erasing is an agent with places to erase below a root, a file in each.
func erasing(t *testing.T, names ...string) (a *Agent, root string, targets []target) {
	t.Helper()
	a, root = newCopies(t)
	for _, name := range names {
		put(t, filepath.Join(root, name, "f"))
		targets = append(targets, target{class: profile.Logs, Target: wipe.Target{Name: name, Kind: "log", Root: root, Path: filepath.Join(root, name), Requested: wipe.LevelClear}})
	}
	return a, root, targets
}

// try is one try of a step that erases all of them.
func try(t *testing.T, a *Agent, targets []target) error {
	t.Helper()
	return a.eraseAll(t.Context(), &journal.Note{}, &caseFile{command: command.Command{Level: command.Clear}}, targets)
}

func evidenceOf(t *testing.T, a *Agent, name string) (ev wipe.Evidence) {
	t.Helper()
	if ok, err := a.journal.Get(noteMedia+name, &ev); err != nil || !ok {
		t.Fatalf("no evidence of %s: %v", name, err)
	}
	return ev
}

// A target that fails holds no other up: all are tried before the step begins
// again, and after the last try the failure stands in the evidence.
func TestOneFailingTargetHoldsNoOtherUp(t *testing.T) {
	a, root, targets := erasing(t, "first", "second")
	if err := os.Rename(filepath.Join(root, "first"), filepath.Join(root, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("elsewhere", filepath.Join(root, "first")); err != nil {
		t.Fatal(err)
	}
	targets[0].Path = filepath.Join(root, "first", "f")
	for n := 1; n < maxTries; n++ {
		if err := try(t, a, targets); !errors.Is(err, errNotErased) {
			t.Fatalf("try %d: %v", n, err)
		}
		if ev := evidenceOf(t, a, "second"); ev.Verified != wipe.Pass {
			t.Fatalf("try %d: %+v", n, ev)
		}
	}
	if err := try(t, a, targets); err != nil {
		t.Fatal(err)
	}
	if ev := evidenceOf(t, a, "first"); ev.Verified == wipe.Pass || ev.LevelAchieved != wipe.LevelNone || ev.Reason == "" {
		t.Errorf("%+v", ev)
	}
	if !exists(filepath.Join(root, "elsewhere", "f")) {
		t.Error("the link was followed")
	}
}

// What was there when its erasure began and is gone before anything was done to
// it was not overwritten by us, on a first try nor after a cut; what was begun was.
func TestWhatSomebodyElseTookAwayIsNotOurs(t *testing.T) {
	for name, c := range map[string]struct {
		at, cut   string // when somebody takes it, when the power goes
		technique string
		level     wipe.Level
		bytes     int64
	}{
		"taken, no cut":              {"begun", "", "gone before the erase", wipe.LevelLogical, 0},
		"cut before the overwrite":   {"", "wipe/place:open", "gone before the erase", wipe.LevelLogical, 0},
		"cut after the overwrite":    {"", "wipe/place:truncate", "overwrite-random-1, begun before a cut", wipe.LevelClear, 8},
		"cut when the file was gone": {"", "wipe/place:remove-folder", "overwrite-random-1, begun before a cut", wipe.LevelClear, 8},
	} {
		a, root, targets := erasing(t, "place")
		take := func() {
			if err := os.RemoveAll(filepath.Join(root, "place")); err != nil {
				t.Error(err)
			}
		}
		if c.at != "" {
			a.Sys = taking{wipe.Kernel{}, take}
		}
		ctx, cut := context.WithCancel(t.Context())
		a.Moment = func(at string) {
			if at == c.cut {
				cut()
			}
		}
		all := &caseFile{command: command.Command{Level: command.Clear}}
		if err := a.eraseAll(ctx, &journal.Note{}, all, targets); (err != nil) != (c.cut != "") {
			t.Fatalf("%s: %v", name, err)
		}
		if c.cut != "" {
			take()
			if err := try(t, a, targets); err != nil {
				t.Fatal(err)
			}
		}
		ev := evidenceOf(t, a, "place")
		if ev.Technique != c.technique || ev.LevelAchieved != c.level || ev.Bytes != c.bytes || slices.Contains(ev.Residual, "gone-before") != (c.level == wipe.LevelLogical) {
			t.Errorf("%s: %+v", name, ev)
		}
	}
}

// taking is a kernel under which a target goes when it is asked who holds it.
type taking struct {
	wipe.Kernel
	take func()
}

func (k taking) Holders(targets ...string) ([]wipe.Holding, [][]wipe.Holding, bool, error) {
	k.take()
	return k.Kernel.Holders(targets...)
}

// A name that leads to something else before it can be unlinked fails its try;
// the next erases what has the name then, and the word for it stays.
func TestAnExchangedNameIsTold(t *testing.T) {
	a, root, targets := erasing(t, "place")
	put(t, filepath.Join(root, "outside"))
	once := true
	a.Moment = func(name string) {
		if name == "wipe/place:truncate" && once {
			once = false
			at := filepath.Join(root, "place", "f")
			if err := errors.Join(os.Remove(at), os.Symlink("../outside", at)); err != nil {
				t.Error(err)
			}
		}
	}
	if err := try(t, a, targets); !errors.Is(err, errNotErased) {
		t.Fatal(err)
	}
	if err := try(t, a, targets); err != nil {
		t.Fatal(err)
	}
	if ev := evidenceOf(t, a, "place"); ev.Verified != wipe.Pass || !slices.Contains(ev.Residual, "exchanged") {
		t.Errorf("%+v", ev)
	}
	if b, err := os.ReadFile(filepath.Join(root, "outside")); err != nil || string(b) != "merchant" {
		t.Errorf("what the link points to is %q, %v", b, err)
	}
}

// Swap that is on may hold what was erased, and every target says so; one that
// came between the list and the erase is counted.
func TestWhatNoEraseReachesStandsInTheEvidence(t *testing.T) {
	a, root, targets := erasing(t, "place")
	if err := a.writeList(targets); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(root, "place", "stranger"))
	if err := try(t, a, targets); err != nil {
		t.Fatal(err)
	}
	if ev := evidenceOf(t, a, "place"); !slices.Contains(ev.Residual, "swap") || ev.Items != 3 {
		t.Errorf("%+v", ev)
	}
	copies, _, err := a.listAfter(targets)
	if err != nil || copies.Places[0].Appeared != 1 || copies.Places[0].Items != 2 || copies.Places[0].Left != 0 {
		t.Errorf("%+v, %v", copies, err)
	}
}

// What would stop an erase behind the point of no return refuses the command
// before anything is touched; what merely lowers it does not.
func TestWhatWouldStopAnEraseRefusesTheCommand(t *testing.T) {
	for name, c := range map[string]struct {
		plant func(root string) error
		why   string
	}{
		"nothing wrong": {func(string) error { return nil }, ""},
		"not there":     {func(root string) error { return os.RemoveAll(filepath.Join(root, "way")) }, ""},
		"second name": {func(root string) error {
			return os.Link(filepath.Join(root, "way/place/f"), filepath.Join(root, "way/place/g"))
		}, ""},
		"link inside": {func(root string) error { return os.Symlink("/", filepath.Join(root, "way/place/way")) }, ""},
		"link on the way": {func(root string) error {
			return errors.Join(os.Rename(filepath.Join(root, "way"), filepath.Join(root, "real")), os.Symlink("real", filepath.Join(root, "way")))
		}, "a link or a file stands where a folder should be"},
		"file on the way": {func(root string) error {
			return errors.Join(os.RemoveAll(filepath.Join(root, "way")), os.WriteFile(filepath.Join(root, "way"), nil, 0o600))
		}, "a link or a file stands where a folder should be"},
	} {
		a, root, _ := erasing(t, "way/place")
		a.at = places{t.TempDir()}
		a.Config.Erase.Roots = []string{root}
		if err := c.plant(root); err != nil {
			t.Fatal(err)
		}
		p := profile.Profile{Inventory: []profile.Place{{Class: profile.Logs, Path: filepath.Join(root, "way/place")}}}
		detail, why := a.placesPolicy(p, &command.Command{Level: command.Clear, Scope: []envelope.ID{profile.Logs}})
		if (detail == "inventory") != (c.why != "") || !strings.Contains(why, c.why) {
			t.Errorf("%s: %q, %q", name, detail, why)
		}
	}
}

// What is this terminal's own is looked at like the inventory, before the line.
func TestWhatWouldStopItsOwnEraseRefusesTheCommand(t *testing.T) {
	clear := &command.Command{Level: command.Clear}
	for _, name := range []string{"tmp/x", "spool", "ledger", "keys"} {
		a, root := newCopies(t)
		a.at = places{root}
		if detail, why := a.placesPolicy(profile.Profile{}, clear); detail != "" {
			t.Fatal(detail, why)
		}
		put(t, filepath.Join(root, name, "f"))
		a.Sys = foreign{at: filepath.Base(name)}
		if detail, why := a.placesPolicy(profile.Profile{}, clear); detail != "inventory" || !strings.Contains(why, "another file system is mounted in it") {
			t.Errorf("%s: %q, %q", name, detail, why)
		}
	}
	a, root := newCopies(t)
	a.at = places{filepath.Join(root, "none")}
	if detail, _ := a.placesPolicy(profile.Profile{}, clear); detail != "inventory" {
		t.Errorf("nobody can look: %q", detail)
	}
}

// foreign is a kernel with a file system mounted on every folder of a name.
type foreign struct {
	wipe.Kernel
	at string
}

func (k foreign) Stat(fd int) (wipe.Stat, error) {
	st, err := k.Kernel.Stat(fd)
	if to, lerr := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd)); lerr == nil && filepath.Base(to) == k.at {
		st.Dev++
	}
	return st, err
}

// What is left in the state directory and has no end of its own is a target of
// every unbinding; tombstones of former enrolments, and a file system's own
// folder, are not.
func TestLeavingsAreErasedAndTheRestSpared(t *testing.T) {
	a, root := newCopies(t)
	a.at = places{root}
	keep := []string{"tombstone-1.json", "tombstone.json", "keys/k1", "lost+found/x", "bury"}
	for _, name := range append([]string{"core", ".hidden", "stray/keys/k1", "journal.db.new"}, keep...) {
		put(t, filepath.Join(root, name))
	}
	own, err := a.ownData()
	if err != nil || own[0].Name != "leavings" {
		t.Fatal(err)
	}
	if err := try(t, a, own[:1]); err != nil {
		t.Fatal(err)
	}
	if ev := evidenceOf(t, a, "leavings"); ev.Verified != wipe.Pass || ev.Items != 6 {
		t.Errorf("%+v", ev)
	}
	for _, name := range append(keep, "journal.db") {
		if !exists(filepath.Join(root, name)) {
			t.Errorf("%s is gone", name)
		}
	}
}
