package agent

import (
	"context"
	"testing"

	"unbindd/agent/journal"
	"unbindd/agent/local"
)

// A case is shown with the times that it has in the journal, also to the next process:
// a watch tells by them what had ended before it began.
func TestTheStatusTellsWhenACaseEnded(t *testing.T) {
	b := newBound(t)
	b.accept()
	shown := func() *local.Case {
		t.Helper()
		s, err := b.a.status()
		b.no(err)
		return s.Case
	}
	if c := shown(); c.Begun == 0 || c.Ended != 0 {
		t.Errorf("while it runs: begun %d, ended %d", c.Begun, c.Ended)
	}
	run, err := b.carrier(journal.Plan{Reversible: []journal.Step{{Name: "settle", Do: func(context.Context, *journal.Note) error {
		return giveUp("E22", "unsettled", "cannot go on")
	}}}}).Carry(b.ctx)
	if err != nil || run.Outcome != journal.Undone {
		t.Fatalf("%+v, %v", run, err)
	}
	if run, _, err = b.a.journal.Current(); err != nil || run.Ended == 0 {
		t.Fatalf("%+v, %v", run, err)
	}
	b.restarted()
	if c := shown(); c.Begun != run.Begun || c.Ended != run.Ended {
		t.Errorf("begun %d and ended %d, the journal has %d and %d", c.Begun, c.Ended, run.Begun, run.Ended)
	}
}

// TestAHindranceStandsWhileItIsTriedAgain: a step that fails again and again is not shown
// as if nothing were the matter, whenever somebody asks; the next step is.
func TestAHindranceStandsWhileItIsTriedAgain(t *testing.T) {
	var s shown
	s.setMode(local.Obeying)
	look := func(step string, tries int) *local.Case {
		out := local.Status{Case: &local.Case{Outcome: journal.Running, Steps: []local.Step{{Name: step, State: local.Doing, Tries: tries}}}}
		s.fill(&out)
		return out.Case
	}
	s.setWaiting("the card reader", nil)
	s.setProblem(&local.Error{Message: "no answer"})
	if c := look("inspect", 1); c.Waiting == "" || c.Problem == nil {
		t.Errorf("while it rests: %+v", c)
	}
	s.setProblem(nil)
	if c := look("inspect", 2); c.Waiting != "the card reader" || c.Problem == nil {
		t.Errorf("while it is tried again: %+v", c)
	}
	if c := look("freeze", 1); c.Waiting != "" || c.Problem != nil {
		t.Errorf("at the next step: %+v", c)
	}
	s.setMode(local.Trading)
	s.setMode(local.Obeying)
	if c := look("inspect", 2); c.Waiting != "" || c.Problem != nil {
		t.Errorf("in the next case: %+v", c)
	}
}
