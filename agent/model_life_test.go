package agent

import (
	"context"

	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/wipe"
)

// history is everything that is drawn: what the terminal is, and what befalls it.
// The same history is the same life, call by call.
type history struct {
	Sales  int         // before the command
	Gate   envelope.ID // of the command
	Weak   bool        // the medium writes elsewhere: no overwrite is worth more than logical
	Again  bool        // a second command follows one that was undone
	Closes bool        // a reader that does not come back is ended by a close
	Events []happening // in order
}

// play lives a history to its end, and returns what was violated, or "".
func (m *model) play(h history, b bug, tell func(string, ...any)) (w *world, problem string) {
	w = &world{
		m: m, h: h, bug: b, tell: tell, fault: map[string]bool{}, tally: map[string]int{},
		paths: map[string]string{}, digests: map[string]envelope.Digest{}, truth: map[string]wipe.Level{},
		reading: m.readings.Get().(*reading),
	}
	defer m.readings.Put(w.reading)
	defer func() {
		switch p := recover().(type) {
		case nil:
		case violated:
			problem = string(p)
		default:
			panic(p)
		}
	}()
	w.disk = newDisk(w)
	w.shelf = &shelf{d: w.disk}
	w.desk, w.reader = newDesk(w), newModelReader(w)
	w.gap = 1 << 30
	w.layOut()
	b.plant(w)
	for range h.Sales {
		w.sold()
	}
	if len(h.Events) > 0 {
		w.gap = h.Events[0].Gap
	}
	restarts := 0
	for {
		if w.known() {
			return w, ""
		}
		if w.life() {
			break
		}
		if w.calm {
			if restarts++; restarts > mostRestarts {
				w.violate("the case is not finished after %d restarts without a fault", restarts-1)
			}
		}
		if w.lives++; w.lives > 100 {
			w.violate("the case is not finished after %d lives", w.lives)
		}
	}
	w.settled()
	w.learn()
	return w, ""
}

// mostRestarts is how many starts a case may need once the faults have stopped.
const mostRestarts = 3

// life is the daemon from its start to its end; true when there is nothing more
// to come. What it has in memory ends with it.
func (w *world) life() (over bool) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case powerCut:
			w.disk.cut(w.choose)
			w.count("power cuts")
		case killed:
			w.count("kills")
		default:
			panic(p)
		}
		w.acting, w.busy, w.at = false, false, ""
		clear(w.fault)
	}()
	w.calm = w.calm || w.next == len(w.h.Events)
	if w.disk.find(buryName) != nil {
		w.at = "bury"
		if w.bury() != nil {
			return false
		}
	}
	if w.begin() != nil {
		return false
	}
	if w.a.journal == nil {
		return true
	}
	w.remember()
	w.check()
	for {
		run, err := w.obey()
		if err != nil {
			return false
		}
		if run.Outcome == journal.Done {
			w.at = "bury"
			return w.bury() == nil
		}
		if !w.trade() {
			return true
		}
	}
}

// obey is obey of unbind.go, over the code's Carrier.
func (w *world) obey() (journal.Run, error) {
	c := &journal.Carrier{
		Journal: w.a.journal, Plan: w.plan(), CodeOf: code, Pause: w.pause, Cancel: make(chan struct{}),
		Watch: func(e journal.Event) {
			switch e.Moment {
			case journal.Failed:
				w.why = e.Err
			case journal.Repeated:
				w.count("again " + e.Step)
				if w.rounds++; w.rounds > mostRounds {
					w.violate("%s is done again and again: %s", e.Step, e.Detail)
				}
			case journal.Starting, journal.Undoing:
				w.at = e.Step
			case journal.Recorded:
				w.pauses = 0
			case journal.Opened, journal.Reverted:
				w.pauses = 0
				w.count(e.Moment + " " + e.Step)
			}
		},
		Parting: func(journal.Run) ([]journal.Parcel, error) { return nil, nil },
	}
	run, err := c.Carry(context.Background())
	w.at = ""
	if err != nil {
		return run, err
	}
	switch run.Outcome {
	case journal.Done:
		if w.cancelled {
			w.violate("a case was carried to its end although a cancel was accepted")
		}
	case journal.Undone, journal.Cancelled:
		w.ended(run)
	}
	return run, nil
}

// pause lets time pass. When nothing more is to come and nothing moves, whoever
// looks after the terminal makes one thing right after the other.
func (w *world) pause(_ context.Context, _ int) error {
	w.step("pause")
	if w.next < len(w.h.Events) {
		return nil
	}
	patient := fewTries
	if w.at == "erase-reader-keys" || w.at == "verify-erased" {
		patient = brokenTries + 2
	}
	switch w.pauses++; {
	case w.pauses == patient:
		w.calm = true
		w.desk.down = false
		clear(w.fault)
		if !w.h.Closes {
			w.reader.comes(readerOK)
		}
	case w.pauses == 2*patient:
		w.reader.comes(readerOK)
		w.hand(aClose)
	case w.pauses > 3*patient+brokenTries:
		w.violate("%s does not go on although nothing is in its way: %v", w.at, w.why)
	}
	return nil
}

// mostRounds is how often a plan may go back in one history.
const mostRounds = 100

// fewTries is how often a step that waits for others may look before somebody
// makes a thing right; one at the reader ends by itself after more.
const fewTries = 4

// trade takes over what the reader has until a command comes; false when none
// will.
func (w *world) trade() bool {
	for ctx := context.Background(); ; {
		if _, err := w.a.line().Identify(ctx); err == nil {
			if w.a.line().Thaw(ctx) == nil {
				if err := w.takeOver(ctx); err != nil {
					w.step("idle")
				}
			}
		}
		if w.commands == 0 {
			w.hand(aCommand)
		}
		run, begun, err := w.a.journal.Current()
		w.must(err)
		switch {
		case begun && run.Outcome == journal.Running:
			return true
		case w.next < len(w.h.Events):
			w.step("idle")
		case w.h.Again && w.commands == 1:
			w.hand(aCommand)
		default:
			return false
		}
	}
}

func (w *world) count(what string) { w.tally[what]++ }
