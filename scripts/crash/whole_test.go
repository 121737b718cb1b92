//go:build (amd64 || arm64) && !android

package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func newScene(t *testing.T) *scene {
	t.Helper()
	dir, err := os.MkdirTemp("", "whole-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	s := &scene{At: filepath.Join(dir, "mount"), Dir: dir}
	s.buildPrograms(t)
	return s
}

// Whatever the cut made of the terminal at whatever moment of its unbinding: the
// real code opens it, nothing acknowledged is lost, nobody says more than was
// done, and the real programs carry it to its end.
func TestWholeUnbinding(t *testing.T) {
	s := newScene(t)
	tr := unbinding(t, s)
	t.Run("opened", func(t *testing.T) { s.opened(t, tr) })
	t.Run("carried", func(t *testing.T) { s.carried(t, tr) })
	t.Run("overwritten", func(t *testing.T) {
		gone, early, err := overwrittenFirst(tr, nil)
		if err != nil || gone == 0 || len(early) > 0 {
			t.Errorf("%d files went, %d of them before they were overwritten: %v, %v", gone, len(early), early, err)
		}
	})
}

// opened has every image opened by the agent's code, or one in CRASH_WHOLE_IN.
func (s *scene) opened(t *testing.T, tr trace) {
	var pick func(int, []string, []choice, *lot) []choice
	if many := number("CRASH_WHOLE_IN", 20); many > 1 {
		pick = oneIn(many)
	}
	f := s.wholeReplay(t, build(t, "agent"), pick).run(t, tr)
	green(t, "whole", f)
	t.Logf("whole unbinding: %d images of %d operations opened: %s", f.Images, f.Ops, counted(f))
}

// carried has CRASH_WHOLE images carried to the end of their case.
func (s *scene) carried(t *testing.T, tr trace) {
	r := s.wholeReplay(t, foreign{}, pickSome(t, tr, seedOf(1), number("CRASH_WHOLE", 0)))
	r.judge, r.with, r.hands = s.carrier(t), []string{"desk", "reader"}, 4
	told := r.beside
	r.beside = func(d *disk, version int) ([]string, error) { // which desk and which reader counts here
		known, err := told(d, version)
		return append(known, fmt.Sprint("version ", version)), err
	}
	f := r.run(t, tr)
	green(t, "carried", f)
	t.Logf("whole unbinding: %d images carried to the end: %s", f.Images, counted(f))
}
