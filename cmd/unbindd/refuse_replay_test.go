package main

import (
	"testing"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/local"
)

// A command that was carried out as far as being undone is used up, and so are
// its id and its number in any other command.
func TestAReplayChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{sales: 20, open: true})
	w.startDaemon()
	w.traded(20)
	w.until("a trusted clock", trusted)
	used := w.draft()
	first := w.order(used)
	w.publish(w.keep("first.json", first))
	w.fails("E22:unsettled")
	w.answered(string(used.Case), command.Undone, "E22:unsettled")
	before := w.until("the undone case", undone)
	w.refuses(first, "E11:id")
	w.refuses(w.order(bent(used, func(c *command.Command) { c.Seq++ })), "E11:id")
	w.refuses(w.order(bent(used, func(c *command.Command) { c.ID = "another" })), "E11:seq")
	w.toolRefuses(w.path("first.json"), "E11:id")
	w.untouched(before)
	w.daemon.kill() // what was used up is on disk
	w.startDaemon()
	w.refuses(first, "E11:id")
	w.draft()
	w.completes(21)
}

// challenged asks the terminal for a challenge; an older one dies by it.
func (w *world) challenged() envelope.ID {
	w.t.Helper()
	c, err := w.client().Challenge(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return envelope.ID(c.Challenge)
}

// A challenge is good for one command: not after it was used, not after it was
// replaced, and not after ten that answered another one.
func TestADeadChallengeChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{sales: 20, open: true})
	w.startDaemon()
	w.traded(20)
	w.until("a trusted clock", trusted)
	used := w.draft("--challenge", string(w.challenged()))
	w.publish(w.keep("used.json", w.order(used)))
	w.fails("E22:unsettled")
	before := w.until("the undone case", undone)

	right := w.draft()
	answering := func(challenge envelope.ID) []byte {
		return w.order(bent(right, func(c *command.Command) { c.Challenge = challenge }))
	}
	w.refuses(answering(used.Challenge), "E12") // used
	replaced := w.challenged()
	present := w.challenged()
	w.refuses(answering(replaced), "E12")
	w.toolRefuses(w.keep("replaced.json", answering(replaced)), "E12")
	w.untouched(before)
	for range 10 {
		w.refuses(answering("0VAAFPC2NDTZN2FFKRJ3FQKG24"), "E12")
	}
	w.refuses(answering(present), "E12") // the right one, too late
	w.settles()
	w.accepts(w.order(bent(w.draft(), func(c *command.Command) { c.Challenge = w.challenged() })))
}

// Without a clock that somebody vouches for, only a command that answers a
// challenge is obeyed, whatever its window says; then none is asked.
func TestAnUnknownClockTakesAChallenge(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{sales: 20})
	blind := w.path("command.json")
	w.sign(w.issue(), "ops-1", "sec-1")
	w.desk.stop()
	w.startDaemon()
	w.traded(20)
	before := w.until("no clock", func(s local.Status) bool { return s.Clock == "unknown" })
	w.toolRefuses(blind, "E15")
	w.nothingErased()
	if caseOf(w.until("trading", func(s local.Status) bool { return s.Mode == local.Trading })) != caseOf(before) {
		t.Error("there is a case")
	}
	challenge := w.challenged()
	w.daemon.stop()
	w.startDesk()
	right := w.sign(w.issueAnew("--challenge", string(challenge)), "ops-1", "sec-1")
	w.publish(right)
	w.desk.stop()
	w.startDaemon()
	w.until("no clock", func(s local.Status) bool { return s.Clock == "unknown" })
	if o := w.load(right); o.Outcome != "accepted" {
		t.Fatalf("%s %s", o.Outcome, told(o))
	}
	w.startDesk()
	w.unbound()
	w.provesComplete(20)
}
