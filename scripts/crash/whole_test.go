//go:build (amd64 || arm64) && !android

package crash

import (
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
// real code opens it, nothing acknowledged is lost, and nobody says more than was
// done.
func TestWholeUnbinding(t *testing.T) {
	s := newScene(t)
	tr := unbinding(t, s)
	agent := build(t, "agent")
	var pick func(int, []string, []choice, *lot) []choice
	if many := number("CRASH_WHOLE_IN", 10); many > 1 {
		pick = oneIn(many)
	}
	green(t, "whole", s.wholeReplay(t, agent, pick).run(t, tr))
	gone, early, err := overwrittenFirst(tr, nil)
	if err != nil || gone == 0 || len(early) > 0 {
		t.Errorf("whole: %d files went, %d of them before they were overwritten: %v, %v", gone, len(early), early, err)
	}
}
