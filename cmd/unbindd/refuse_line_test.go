package main

import (
	"testing"

	"unbindd/agent/command"
	"unbindd/agent/local"
)

// Another reader on the line than the bound one is no reader to unbind with,
// whether the order is carried in or comes over the link.
func TestAForeignReaderChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{sales: 20})
	w.startDaemon()
	w.traded(20)
	before := w.until("a trusted clock", trusted)
	right := w.order(w.draft())
	w.ask("fault", "foreign=PED-0009")
	w.until("the foreign reader", func(s local.Status) bool { return s.Reader.State == "foreign" })
	// Published first: whoever pulls has answered when the desk has the answer, and is not still at it when the reader is
	// the right one again.
	w.publish(w.keep("right.json", right))
	w.answered(w.caseID(), command.Refused, "E21")
	w.refuses(right, "E21")
	w.toolRefuses(w.path("right.json"), "E21")
	w.ask("clear-faults")
	w.untouched(before)
	if seq := w.lastSeq(); seq != 0 {
		t.Errorf("the last number is %d", seq)
	}
	w.draft()
	w.completes(21)
}

// A reader that is exchanged while the order runs ends it: at the inspection,
// and at the gate.
func TestAReaderExchangedOnTheWayErasesNothing(t *testing.T) {
	for name, c := range map[string]struct{ before, after func(w *world) }{
		"at the inspection": {
			before: func(w *world) { w.ask("unplug"); w.ask("fault", "foreign=PED-0009") },
			after:  func(w *world) { w.until("waiting for the reader", waitsForReader); w.ask("plug") },
		},
		"at the gate": {
			before: func(w *world) { w.tickets.stop() },
			after: func(w *world) {
				w.until("waiting for the ticket", waitsToDeliver)
				w.ask("fault", "foreign=PED-0009")
				w.until("the foreign reader", func(s local.Status) bool { return s.Reader.State == "foreign" })
				w.startTickets()
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, options{sales: 20})
			w.startDaemon()
			w.traded(20)
			c.before(w)
			w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
			c.after(w)
			w.until("undone", undone)
			w.ask("clear-faults")
			w.fails("E21")
			w.answered(w.caseID(), command.Undone, "E21")
			w.sells()
			w.issueAnew()
			if w.tickets.ended() {
				w.startTickets()
			}
			w.completes(21)
		})
	}
}

func waitsForReader(s local.Status) bool {
	return s.Case != nil && s.Case.Outcome == "running" && s.Case.Waiting == "the card reader"
}

// ended says whether the program has.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// A cut line is waited for, wherever before the erase it was cut; the reader
// that comes back is the one that was there, and the case ends as it would have.
func TestACutLineIsWaitedFor(t *testing.T) {
	for name, c := range map[string]struct{ cut, mend func(w *world) }{
		"unplugged": {
			cut:  func(w *world) { w.ask("unplug") },
			mend: func(w *world) { w.ask("plug") },
		},
		"the reader without power": {
			cut:  func(w *world) { w.unplugForGood() },
			mend: func(w *world) { w.startReader() },
		},
	} {
		t.Run(name+" before the order", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, options{sales: 20})
			w.startDaemon()
			w.traded(20)
			c.cut(w)
			w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
			w.until("waiting for the reader", waitsForReader)
			c.mend(w)
			w.unbound()
			w.proves(20)
		})
		t.Run(name+" before the gate", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, options{sales: 20, noTicket: true})
			w.startDaemon()
			w.traded(20)
			w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
			w.until("waiting for the ticket", waitsToDeliver)
			c.cut(w)
			w.startTickets()
			s := w.until("a gate that waits for the reader", func(s local.Status) bool { return s.Case.Waiting == "reader" })
			if s.Case.Problem == nil || s.Case.Problem.Code != "E22:reader" {
				t.Errorf("it waits over %+v", s.Case.Problem)
			}
			if exists(w.path("state", "tombstone.json")) || s.Case.Crossed {
				t.Error("the line was crossed without a reader")
			}
			c.mend(w)
			w.unbound()
			w.proves(20)
		})
	}
}

// A line that is cut for good can be waited for, or the order taken back.
func TestACutLineLetsTheOrderBeTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{sales: 20})
	w.startDaemon()
	w.traded(20)
	w.ask("unplug")
	w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
	w.until("waiting for the reader", waitsForReader)
	w.cancels()
	w.ask("plug")
	w.sells()
	w.issueAnew()
	w.completes(21)
}
