package journal

import (
	"path/filepath"
	"testing"
)

// "Done" and what a step kept are there together or not at all: at the moment
// before nothing of either, at the moment after both. The line is no exception.
func TestWhatAStepKeptIsThereWithItsDone(t *testing.T) {
	j, world := begun(t), filepath.Join(t.TempDir(), "world")
	see := func(e Event, want bool) {
		note := e.Step
		if note == CrossName {
			note = "gate"
		}
		var kept string
		noted, err := j.Get(note, &kept)
		if err != nil {
			t.Fatal(err)
		}
		steps, err := j.Steps()
		if err != nil {
			t.Fatal(err)
		}
		run, _, err := j.Current()
		if err != nil {
			t.Fatal(err)
		}
		done := steps[e.Step].State == stateDone || (e.Step == CrossName && run.Crossed)
		if noted != want || done != want {
			t.Errorf("%s:%s: noted %v, done %v, want %v", e.Step, e.Moment, noted, done, want)
		}
	}
	watch := func(e Event) {
		switch e.Moment {
		case Worked:
			see(e, false)
		case Recorded:
			see(e, true)
		}
	}
	run, err := carrier(j, testPlan(world, nil), watch).Carry(t.Context())
	if err != nil || run.Outcome != Done {
		t.Errorf("%+v %v", run, err)
	}
}
