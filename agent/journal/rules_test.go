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

// ear counts what is written into a store.
type ear struct {
	Store
	written int
}

func (e *ear) Update(do func(Tx) error) error {
	return e.Store.Update(func(tx Tx) error { return do(earTx{tx, e}) })
}

type earTx struct {
	Tx
	e *ear
}

func (t earTx) Put(bucket, key, value []byte) error {
	t.e.written++
	return t.Tx.Put(bucket, key, value)
}

// A process that is killed between the write of a commit and its sync leaves what
// the next one reads and a power cut takes away again: the opening commits
// something of its own, which syncs that too, before anybody reads.
func TestOpeningSyncsWhatAKilledProcessLeft(t *testing.T) {
	f, err := openFile(filepath.Join(t.TempDir(), "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{2, 1} { // the form of a new one, and the trial
		e := &ear{Store: f}
		if _, err := On(e, Options{Reserve: 1}); err != nil || e.written != want {
			t.Errorf("%d values written, %d are wanted: %v", e.written, want, err)
		}
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// late tells after each commit.
type late struct {
	Store
	after func()
}

func (l late) Update(do func(Tx) error) error {
	defer l.after()
	return l.Store.Update(do)
}

// A command that is accepted between the end of a cancelled one and the last look
// of Carry is no error and not cancelled with it: it is left to the next Carry.
func TestACancelEndsOnlyItsOwnRun(t *testing.T) {
	j := begun(t)
	cancel, next, accepted := make(chan struct{}), false, false
	j.store = late{j.store, func() {
		run, _, err := j.Current()
		if err == nil && run.Outcome == Cancelled && !next {
			next = true
			err = j.Begin(Order{Name: "next", ID: "next", Seq: 99})
			accepted = err == nil
		}
		if err != nil {
			t.Error(err)
		}
	}}
	if ok, err := j.Cancel(); err != nil || !ok {
		t.Fatal(ok, err)
	}
	close(cancel)
	c := carrier(j, testPlan(filepath.Join(t.TempDir(), "world"), nil), nil)
	c.Cancel = cancel
	run, err := c.Carry(t.Context())
	if err != nil || !accepted || run.Name != "next" || run.Outcome != Running {
		t.Errorf("%+v, accepted %v: %v", run, accepted, err)
	}
	c.Cancel = make(chan struct{})
	if run, err = c.Carry(t.Context()); err != nil || run.Name != "next" || run.Outcome != Done {
		t.Errorf("the next: %+v %v", run, err)
	}
}
