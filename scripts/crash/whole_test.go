//go:build (amd64 || arm64) && !android

package crash

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// newScene records an unbinding, or takes one that was kept: no two recordings are
// the same. CRASH_KEEP keeps one that failed.
func newScene(t *testing.T) (*scene, trace) {
	t.Helper()
	if dir := os.Getenv("CRASH_SCENE"); dir != "" {
		return keptScene(t, dir)
	}
	if dir := os.Getenv("CRASH_BOOK"); dir != "" {
		return bookedScene(t, dir)
	}
	dir, err := os.MkdirTemp("", "whole-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() && os.Getenv("CRASH_KEEP") != "" {
			t.Logf("the recording is kept in %s: set CRASH_SCENE to that", dir)
		} else if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return newSceneIn(t, dir, nil)
}

func newSceneIn(t *testing.T, dir string, how []string) (*scene, trace) {
	t.Helper()
	s := &scene{At: filepath.Join(dir, "mount"), Dir: dir}
	s.buildPrograms(t, how)
	tr := unbinding(t, s)
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.paper("scene.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return s, tr
}

func keptScene(t *testing.T, dir string) (*scene, trace) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "scene.json"))
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{}
	if err := json.Unmarshal(text, s); err != nil {
		t.Fatal(err)
	}
	s.Dir = dir // the folder may have been moved; At is in what was recorded
	if err := os.MkdirAll(s.At, 0o700); err != nil {
		t.Fatal(err)
	}
	tr := trace{path: s.paper("trace")}
	if err := tr.each(func(int, op) error { tr.count++; return nil }); err != nil {
		t.Fatal(err)
	}
	return s, tr
}

// Whatever the cut made of the terminal at whatever moment of its unbinding: the
// real code opens it, nothing acknowledged is lost, nobody says more than was
// done, and the real programs carry it to its end.
func TestWholeUnbinding(t *testing.T) {
	s, tr := newScene(t)
	t.Run("opened", func(t *testing.T) { s.opened(t, tr) })
	t.Run("carried", func(t *testing.T) { s.carried(t, tr) })
	t.Run("deaf", func(t *testing.T) { s.deafMedia(t, tr) })
	t.Run("overwritten", func(t *testing.T) {
		gone, early, err := overwrittenFirst(tr, 0, nil)
		if err != nil || gone == 0 || len(early) > 0 {
			t.Errorf("%d files went, %d of them before they were overwritten: %v, %v", gone, len(early), early, err)
		}
	})
}

// opened has every image opened by the agent's code, or one in CRASH_WHOLE_IN.
func (s *scene) opened(t *testing.T, tr trace) {
	var pick func(int, []string, []choice, *lot) []choice
	if many := number("CRASH_WHOLE_IN", 1); many > 1 {
		pick = oneIn(many)
	}
	f := s.wholeReplay(t, build(t, "agent"), pick).run(t, tr)
	green(t, "whole", f)
	t.Logf("whole unbinding: %d images of %d operations opened: %s", f.Images, f.Ops, counted(f))
}

// carried has CRASH_WHOLE images carried to the end of their case, or all of them;
// with a book, those that are not in it yet.
func (s *scene) carried(t *testing.T, tr trace) {
	var pick func(int, []string, []choice, *lot) []choice
	if s.book == nil && os.Getenv("CRASH_WHOLE") != "all" {
		pick = pickSome(t, tr, seedOf(1), number("CRASH_WHOLE", 0))
	}
	r := s.wholeReplay(t, foreign{}, pick).withOthers()
	r.judge, r.hands = s.carrier(t), number("CRASH_HANDS", 4)
	if s.book != nil {
		s.carriedByTheBook(t, r, tr)
		return
	}
	f := r.run(t, tr)
	green(t, "carried", f)
	t.Logf("whole unbinding: %d choices, %d images carried to the end: %s", f.Choices, f.Images, counted(f))
}

// deafMedia: a medium that ignores one kind of sync of the terminal loses, and
// the lab sees it at the moment from which it matters.
func (s *scene) deafMedia(t *testing.T, tr trace) {
	agent := build(t, "agent")
	for _, c := range []struct {
		name string
		k    kind
		path string // and what lies below it
		from string
	}{
		{"the name of the state directory", syncFolder, "terminal", enrolledWord},
		{"names in the state directory", syncFolder, "terminal/state", enrolledWord},
		{"the journal", sync, "terminal/state/journal.db", crossedWord},
		{"the ledger", sync, "terminal/state/ledger/", enrolledWord},
		{"names in the ledger's folder", syncFolder, "terminal/state/ledger", enrolledWord},
		{"keys", sync, "terminal/state/keys/", enrolledWord},
		{"names of keys", syncFolder, "terminal/state/keys", enrolledWord},
		{"binding and trust", sync, "terminal/state/trust/", enrolledWord},
		{"names of binding and trust", syncFolder, "terminal/state/trust", enrolledWord},
		{"names of the application, while it is erased", syncFolder, "terminal/pos/", "recorded erase-data"},
	} {
		r := s.wholeReplay(t, agent, allLosses)
		r.deaf = func(o op) bool {
			return o.Kind == c.k && (o.Name == c.path || strings.HasSuffix(c.path, "/") && strings.HasPrefix(o.Name+"/", c.path))
		}
		r.only, r.enough, r.skip = "", 1, told(t, tr, c.from)
		if strings.HasPrefix(c.path, "terminal/pos") {
			r.deafFrom = told(t, tr, crossedWord) // they were there before
		}
		red(t, "whole, "+c.name, r.run(t, tr))
	}
	s.deafToTheEnd(t, tr)
	if _, early, err := overwrittenFirst(tr, told(t, tr, crossedWord), deafTo(sync, "terminal/pos")); err != nil || len(early) == 0 {
		t.Errorf("a medium that ignored the syncs of an erase was not noticed: %v", err)
	}
}

// deafToTheEnd: where what was seen to be gone comes back, the case ends all the
// same, and whoever looks at its end must see it.
func (s *scene) deafToTheEnd(t *testing.T, tr trace) {
	r := s.wholeReplay(t, foreign{}, allLosses)
	r.withOthers()
	r.judge, r.only, r.enough, r.hands = s.carrier(t), "", 1, 1
	r.skip, r.deafFrom = told(t, tr, "recorded sign-certificate"), told(t, tr, crossedWord)
	r.deaf = func(o op) bool { return o.Kind == syncFolder && strings.HasPrefix(o.Name, "terminal/pos") }
	f := r.run(t, tr)
	red(t, "whole, carried to its end", f)
	if len(f.Failures) > 0 && !strings.Contains(f.Failures[0], claimWord) {
		t.Errorf("it was seen as something else: %s", f.Failures[0])
	}
}

// told is the operation after which a word was told.
func told(t *testing.T, tr trace, word string) int {
	t.Helper()
	at := -1
	if err := tr.each(func(n int, o op) error {
		if o.Kind == note && o.Told == word && at < 0 {
			at = n
		}
		return nil
	}); err != nil || at < 0 {
		t.Fatalf("%q was never told: %v", word, err)
	}
	return at
}
