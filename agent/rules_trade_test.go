package agent

import (
	"testing"

	"unbindd/agent/envelope"
)

// The reader holds an event until the ledger has it: between the commit and the
// acknowledgement it is in both, never in neither.
func TestAcknowledgedOnlyAfterTheCommit(t *testing.T) {
	b := newBound(t)
	held := map[string]int{}
	b.every = func(name string) { held[name] = b.sim.State().Held }
	_, err := b.sim.Sell(1250, "CNY")
	b.no(err)
	l, err := b.a.openLedger(true)
	b.no(err)
	_, err = b.a.reader.Follow(b.ctx, 0)
	b.no(err)
	b.no(b.a.burst(b.ctx, l))
	b.no(l.Close())
	if held["trade:starting"] != 1 || held["trade:worked"] != 1 || held["trade:recorded"] != 0 {
		t.Errorf("the reader held %v", held)
	}
}

// What was committed before a cut and not acknowledged is acknowledged without
// being booked again.
func TestACutBeforeTheAcknowledgementBooksOnce(t *testing.T) {
	b := newBound(t)
	_, err := b.sim.Sell(1250, "CNY")
	b.no(err)
	l, err := b.a.openLedger(true)
	b.no(err)
	_, err = b.a.reader.Follow(b.ctx, 0)
	b.no(err)
	events, err := b.a.reader.Next(b.ctx, group)
	b.no(err)
	_, err = l.Append(boundReader, bodies(events))
	b.no(err)
	_, err = b.a.reader.Follow(b.ctx, 0) // a daemon that remembers nothing asks from the beginning
	b.no(err)
	_, err = b.a.takeOver(b.ctx, l)
	b.no(err)
	if n, held := l.Tally().Count, b.sim.State().Held; n != 1 || held != 0 {
		t.Errorf("%d transactions in the ledger, %d held", n, held)
	}
	b.no(l.Close())
}

// The replay memory is on disk with the acceptance, not after it: the same
// command once more changes nothing, and its id, number and challenge are used.
func TestAcceptanceAndReplayMemoryAreOne(t *testing.T) {
	b := newBound(t)
	b.accept()
	b.a.close()
	b.a.reader = nil
	b.no(b.a.open())
	used, err := b.a.journal.Consumed(string(b.order.ID))
	b.no(err)
	seq, err := b.a.journal.LastSeq()
	b.no(err)
	challenge, err := b.a.outstanding()
	b.no(err)
	if !used || seq != b.order.Seq || challenge != "" {
		t.Errorf("after a restart: id used %v, number %d, challenge %q", used, seq, challenge)
	}
	e := b.seal("command", b.order, "ops-1", "sec-1")
	if o := b.a.takeCommand(e.Encode(), e); o.Outcome != "known" {
		t.Errorf("the same command again is %s", o.Outcome)
	}
	other := b.order
	other.ID, other.Seq = "01JD8X4W4S3W5Q2M8N6T7R9ZKD", 2
	e = b.seal("command", other, "ops-1", "sec-1")
	if o := b.a.takeCommand(e.Encode(), e); o.Error == nil || o.Error.Code != "E19" {
		t.Errorf("another command while one runs is %s", o.Outcome)
	}
	if _, known := envelope.MeaningOf("E19"); !known {
		t.Error("E19 has no meaning")
	}
}

// A command whose commit failed may be in the journal all the same: the trade is
// ended so that somebody looks.
func TestACommandOfUnknownOutcomeIsLookedFor(t *testing.T) {
	b := newBound(t)
	c, err := b.a.newChallenge()
	b.no(err)
	b.order.Challenge = envelope.ID(c.Challenge)
	b.every = func(name string) {
		if name == "accept:starting" {
			b.no(b.a.journal.Close())
		}
	}
	e := b.seal("command", b.order, "ops-1", "sec-1")
	if o := b.a.takeCommand(e.Encode(), e); o.Error == nil || o.Error.Code != "E18" {
		t.Fatalf("a command that could not be written is %+v", o)
	}
	select {
	case <-b.a.orders:
	default:
		t.Error("nobody looks whether it was written")
	}
}

// A wrong answer to the challenge is counted, and the tenth kills it.
func TestAChallengeDiesByTenFailures(t *testing.T) {
	b := newBound(t)
	c, err := b.a.newChallenge()
	b.no(err)
	wrong := b.order
	wrong.Challenge = "0VAAFPC2NDTZN2FFKRJ3FQKG24"
	for range 10 {
		e := b.seal("command", wrong, "ops-1", "sec-1")
		if o := b.a.takeCommand(e.Encode(), e); o.Error == nil || o.Error.Code != "E12" {
			t.Fatalf("a wrong answer is %s", o.Outcome)
		}
	}
	right := b.order
	right.Challenge = envelope.ID(c.Challenge)
	e := b.seal("command", right, "ops-1", "sec-1")
	if o := b.a.takeCommand(e.Encode(), e); o.Error == nil || o.Error.Code != "E12" {
		t.Errorf("the right answer after ten wrong ones is %s", o.Outcome)
	}
}
