package agent

import (
	"context"
	"strings"
	"testing"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/local"
)

// restarted has another process take the terminal over.
func (b *bound) restarted() {
	b.t.Helper()
	b.a.close()
	b.a = New(b.a.Parts)
	b.no(b.a.open())
	b.t.Cleanup(b.a.close)
}

func (b *bound) refusedNow() *local.Refused {
	b.t.Helper()
	s, err := b.a.status()
	b.no(err)
	return s.Refused
}

// ordered is the command under another number, which nobody has signed enough.
func (b *bound) ordered(seq int64, by ...string) *envelope.Envelope {
	b.t.Helper()
	o := b.order
	o.Seq, o.ID = seq, envelope.ID(strings.Repeat("n", int(seq)))
	return b.seal(command.Kind, o, by...)
}

// The last refusal is told after a restart as before it, until a command is accepted;
// what was refused without a name stays, too.
func TestTheLastRefusalOutlivesARestart(t *testing.T) {
	b := newBound(t)
	b.a.take(b.ordered(1).Encode())
	before := b.refusedNow()
	b.restarted()
	if after := b.refusedNow(); before == nil || after == nil || *after != *before {
		t.Errorf("after a restart the status says %+v, before it %+v", after, before)
	}
	b.a.take([]byte(`{"orders":7}`))
	b.restarted()
	if r := b.refusedNow(); r == nil || r.Kind != "bundle" {
		t.Errorf("a bundle of no shape, after a restart: %+v", r)
	}
	b.accept()
	if r := b.refusedNow(); r != nil {
		t.Errorf("after a command was accepted: %+v", r)
	}
	b.restarted()
	if r := b.refusedNow(); r != nil {
		t.Errorf("after that and a restart: %+v", r)
	}
}

// What is kept of a reason is bounded, whatever it quotes.
func TestALongReasonIsKeptShort(t *testing.T) {
	b := newBound(t)
	b.a.turnDown("command", "sha256:aa", "", envelope.Refuse("E02", "shape", "cannot read it: %s", strings.Repeat("ü", longestWhy)))
	b.restarted()
	if r := b.refusedNow(); r == nil || len(r.Why.Message) > longestWhy || !strings.HasPrefix(r.Why.Message, "cannot read it: üü") || !strings.HasSuffix(r.Why.Message, "ü") {
		t.Errorf("it is %+v", r)
	}
}

// A desk offers all it has to a process that begins. What was refused or carried out
// before is no news then, and neither is what is offered twice: whoever waits for a
// command is told of a new one alone.
func TestAnOrderThatHadItsTurnIsNoNews(t *testing.T) {
	b := newBound(t)
	one, two, three, four := b.ordered(1), b.ordered(2), b.ordered(3), b.ordered(4)
	offered := func(when string, e, want *envelope.Envelope) {
		t.Helper()
		if o := b.a.take(e.Encode())[0]; o.Outcome != "refused" {
			t.Fatalf("%s: it is %s", when, o.Outcome)
		}
		r := b.refusedNow()
		if want == nil && r != nil || want != nil && (r == nil || r.Digest != string(want.Digest())) {
			t.Errorf("%s: the status says %+v", when, r)
		}
	}
	offered("a new one", one, one)
	offered("another", two, two)
	offered("the first once more", one, two)
	b.restarted()
	offered("the first, to the next process", one, two)
	offered("the one that is shown", two, two)
	offered("one that is new to it", three, three)

	c, err := b.a.newChallenge()
	b.no(err)
	b.order.Challenge = envelope.ID(c.Challenge)
	done := b.seal(command.Kind, b.order, "ops-1", "sec-1")
	if got := outcomes(b.a.take(done.Encode())); got != "command accepted" {
		t.Fatal(got)
	}
	run, err := b.carrier(journal.Plan{Reversible: []journal.Step{{Name: "settle", Do: func(context.Context, *journal.Note) error {
		return giveUp("E22", "unsettled", "cannot go on")
	}}}}).Carry(b.ctx)
	if err != nil || run.Outcome != journal.Undone {
		t.Fatalf("%+v, %v", run, err)
	}
	offered("what was undone", done, nil)
	offered("what was refused before that", three, nil)
	b.restarted()
	offered("what was undone, to the next process", done, nil)
	offered("what was refused before that", two, nil)
	offered("one that is new to it", four, four)
}

// An order that was not looked at, because of the trust that it came with, has not had
// its turn: the same again is no news, what is said of itself is.
func TestAnOrderThatWasNotLookedAtIsNewsWhenItIs(t *testing.T) {
	b := newBound(t)
	one, two := b.ordered(1), b.ordered(2)
	gap := file(t, b.steps(3, nil)[1:], []*envelope.Envelope{one, two}, nil)
	shown := func(when string, e *envelope.Envelope, code string) {
		t.Helper()
		if r := b.refusedNow(); r == nil || r.Digest != string(e.Digest()) || r.Why.Code != code {
			t.Errorf("%s: the status says %+v", when, r)
		}
	}
	b.a.pulled(gap)
	shown("at first", two, "E16:gap")
	b.restarted()
	b.a.take(file(t, b.steps(3, nil)[1:], []*envelope.Envelope{one}, nil))
	shown("the first alone, to the next process", two, "E16:gap")
	b.a.take(one.Encode())
	shown("looked at", one, "E04:unsigned")
}
