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

// Lost events are counted by number, each once, over a restart too.
func TestLostEventsAreCountedOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j, err := Create(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, gap := range [][2]uint64{{3, 5}, {3, 5}, {4, 6}, {9, 8}, {10, 10}} {
		if err := j.Lose(gap[0], gap[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if j, err = Open(path, Options{}); err != nil {
		t.Fatal(err)
	}
	if n, err := j.Lost(); n != 5 || err != nil {
		t.Errorf("%d lost, %v; the numbers are 3 4 5 6 10", n, err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}
