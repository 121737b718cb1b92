package main

import (
	"slices"
	"strings"

	"unbindd/agent/certificate"
	"unbindd/agent/local"
	"unbindd/device/devicesim"
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

// slotsAsCertified compares the certificate with the reader's own memory, which no fault can bend.
func (w *world) slotsAsCertified(r certificate.Reader) {
	w.t.Helper()
	state := w.readerState()
	told := map[uint16]string{}
	for _, s := range r.Slots {
		told[uint16(s.Slot)] = s.After
	}
	for _, s := range state.Slots {
		after, known := told[s.Slot]
		switch {
		case s.Zeroised > 1:
			w.t.Errorf("slot %04x was overwritten %d times", s.Slot, s.Zeroised)
		case s.Retained && (known || s.Zeroised > 0) && state.Struck["erases-too-much"] == 0:
			w.t.Errorf("slot %04x is outside the scope: certified %q, overwritten %d times", s.Slot, after, s.Zeroised)
		case s.Retained:
		case r.Outcome == "erased" && (s.State != "empty" || s.Zeroised != 1 || after != "empty"):
			w.t.Errorf("called erased, and slot %04x is %s, overwritten %d times, certified %q", s.Slot, s.State, s.Zeroised, after)
		case after == "empty" && s.State != "empty" && !lied(state):
			w.t.Errorf("slot %04x is %s and certified as empty", s.Slot, s.State)
		case s.State == "empty" && (after == "answers" || after == "listed"):
			w.t.Errorf("slot %04x is empty and certified as %s", s.Slot, after)
		}
	}
}

// lied: a reader that hides a key from every question it can be asked is caught by another key, or by its restart.
func lied(state devicesim.State) bool {
	for name := range state.Struck {
		if strings.HasPrefix(name, "lies-") {
			return true
		}
	}
	return false
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
