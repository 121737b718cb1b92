package main

import (
	"slices"

	"unbindd/agent/certificate"
	"unbindd/agent/local"
)

// mposEnds: the case ends with one of these outcomes of the reader, and what is certified is true.
func mposEnds(outcomes ...string) func(*world) {
	return func(w *world) {
		w.t.Helper()
		p := w.settled()
		if !slices.Contains(outcomes, p.Reader.Outcome) {
			w.t.Errorf("the reader is called %s: %s; wanted %v", p.Reader.Outcome, p.Reader.Detail, outcomes)
		}
		if (p.Result == certificate.Complete) != (p.Reader.Outcome == "erased") || p.Reader.Authenticated {
			w.t.Errorf("the certificate says %s, reader %+v", p.Result, p.Reader)
		}
		w.onlyTheInventory()
		w.slotsAsCertified(p.Reader)
	}
}

// settled waits until the case is at its end, or in quarantine, and returns what was certified.
func (w *world) settled() certificate.Predicate {
	w.t.Helper()
	w.until("the end, or quarantine", func(s local.Status) bool {
		return s.Mode == local.Unbound && !exists(w.path("state", "journal.db")) || s.Case != nil && s.Case.Quarantine && s.Case.Receipted
	})
	return w.certificate().Predicate
}

// mposPowerBack: the reader died when it had overwritten so many keys; with its power back the rest is deleted.
func mposPowerBack(overwritten int) func(*world) {
	return func(w *world) {
		w.t.Helper()
		w.cutOff()
		if got := w.overwrittenInMemory(); got != overwritten {
			w.t.Errorf("%d keys were overwritten before the power went", got)
		}
		w.startReader("--protocol", "mpos")
		mposEnds("erased")(w)
	}
}

// overwrittenInMemory starts the reader away from the terminal's line, and counts.
func (w *world) overwrittenInMemory() (keys int) {
	w.t.Helper()
	aside := start(w.t, "readersim", "run", "--nvm", w.path("nvm"), "--link", w.path("aside"), "--control", w.path("r"), "--protocol", "mpos")
	aside.sign("ready ")
	for _, s := range w.readerState().Slots {
		keys += int(s.Zeroised)
	}
	w.ask("quit")
	aside.exits()
	return keys
}
