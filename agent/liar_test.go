package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/receipt"
	"unbindd/transport"
)

// refusals are what a desk says of bytes that it will not have, in its own words: who
// holds its TLS key can say each of them, of anything.
var refusals = []transport.Status{
	{Code: 400, Err: "E02:shape"}, {Code: 403, Err: "E10:certificate"}, {Code: 403, Err: "E10:gone"}, {Code: 403, Err: "E28:tombstone"},
	{Code: 409, Err: "E11:other-bytes"}, {Code: 409, Err: "E28:state"}, {Code: 422, Err: "E28:case"}, {Code: 422, Err: "E28:subject"},
}

// liar is an honest desk behind somebody who refuses everything for it, each thing in
// every way, and is gone after that; also an answer's receipt by a key of nobody is his.
type liar struct {
	transport.Link
	b     *bound
	lies  map[string]int  // told of each object
	taken map[string]bool // by the desk
	asked int
}

func (*liar) Name() string { return "https" }

func (l *liar) refuses(what string) error {
	if l.asked++; l.asked > 400 {
		l.b.t.Fatal("the desk is asked without end")
	}
	if l.lies[what] == len(refusals) {
		return nil
	}
	s := refusals[l.lies[what]]
	l.lies[what]++
	return fmt.Errorf("cannot deliver %s: %w", what, &s)
}

func (l *liar) Put(_ context.Context, o transport.Object, body []byte) ([]byte, error) {
	what := fmt.Sprint(o.Kind, "-", o.N)
	if box, err := l.b.a.journal.Outbox(); o.Kind == "certificate" && (err != nil || len(box) > 0) {
		l.b.t.Errorf("the certificate goes out before %d answers, and the keys to say them with end with it: %v", len(box), err)
	}
	if err := l.refuses(what); err != nil {
		return nil, err
	}
	e, err := envelope.Parse(body, envelope.MaxSize)
	l.b.no(err)
	want := receipt.Want{}
	switch o.Kind {
	case "manifest":
		l.taken[what] = true
		return nil, nil
	case "answer":
		var a command.Answer
		l.b.no(envelope.Decode(e.Payload, &a))
		want = receipt.ForAnswer(a.Case, a.Terminal, a.Subject, a.N, e.Digest())
		if forged := what + " by nobody"; l.lies[forged] == 0 {
			l.lies[forged]++
			return l.b.seal(receipt.Kind, want.Receipt(), "receipt-9").Encode(), nil
		}
	case "certificate":
		want, _, err = l.b.a.wantCertificate()
		l.b.no(err)
	}
	l.taken[what] = true
	return l.b.receipt(want).Encode(), nil
}

func (l *liar) Upload(_ context.Context, o transport.Object, _ int64, _ string, open func() (io.ReadCloser, error)) ([]byte, error) {
	if err := l.refuses(o.Kind); err != nil {
		return nil, err
	}
	f, err := open()
	l.b.no(err)
	l.b.no(f.Close())
	want, _, err := l.b.a.wantBackup()
	l.b.no(err)
	l.taken[o.Kind] = true
	return l.b.receipt(want).Encode(), nil
}

func (l *liar) Fetch(_ context.Context, o transport.Object) ([]byte, error) {
	if err := l.refuses(o.Kind); err != nil {
		return nil, err
	}
	c, err := l.b.a.openCase()
	l.b.no(err)
	order, err := l.b.a.ticketOrder(c)
	l.b.no(err)
	f, err := order.Sign(wireKey("reader-1"))
	l.b.no(err)
	l.taken[o.Kind] = true
	text, err := envelope.Canonical(f)
	return text, err
}

func (l *liar) Reveal(_ context.Context, _ string, _ []byte) ([]byte, error) {
	if err := l.refuses("tombstone"); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(l.b.a.at.tombstone())
	l.b.no(err)
	stone, err := certificate.ReadTombstone(text)
	l.b.no(err)
	c, err := l.b.a.openCase()
	l.b.no(err)
	l.taken["tombstone"] = true
	return l.b.receipt(receipt.ForTombstone(stone.Case, stone.Terminal, c.digest(), certificate.Commitment(stone.R))).Encode(), nil
}

func (l *liar) Close() error { return nil }

// Whoever holds the desk's TLS key refuses every object of a case in its words, with each
// final status and many codes. Nothing leaves the outbox on it and no step ends, the status
// has the code meanwhile, and once he is gone the case ends as it would have without him.
func TestNobodysRefusalEndsADelivery(t *testing.T) {
	b := newBound(t)
	l := &liar{b: b, lies: map[string]int{}, taken: map[string]bool{}}
	b.a.link = l
	b.a.ways = func(route, transport.Identity) (transport.Link, error) { return l, nil }
	told := map[string]bool{}
	b.a.rest = func(_ context.Context, _ <-chan struct{}, _ int, why error) error {
		var s *transport.Status
		if !errors.As(why, &s) {
			return nil
		}
		now, err := b.a.status()
		b.no(err)
		if now.Case.Problem == nil || now.Case.Problem.Code != s.Err || now.Case.Problem.Next == "" {
			t.Errorf("refused with %s, and the status says %+v", s.Err, now.Case.Problem)
		}
		told[s.Err] = true
		return nil
	}
	b.sell(3)
	b.accept()
	c := b.carrier(b.a.plan)
	run, err := c.Carry(b.ctx)
	b.no(err)
	if run.Outcome != journal.Done {
		t.Errorf("the case is %+v", run)
	}
	for _, what := range []string{"answer-1", "answer-2", "manifest-1", "backup", "ticket", "certificate-1", "tombstone"} {
		if !l.taken[what] || l.lies[what] != len(refusals) {
			t.Errorf("%s was refused %d times, and the desk has it: %v", what, l.lies[what], l.taken[what])
		}
	}
	if len(told) != len(refusals) {
		t.Errorf("the status told %v", told)
	}
	b.toldIs(true)
}

// While trading, an answer that is refused stays, is shown with its code, and holds up
// none after it; it is gone from the status when the desk has signed.
func TestARefusedAnswerStaysAndIsShown(t *testing.T) {
	b := newBound(t)
	b.no(errors.Join(b.a.journal.Post(b.stray()), b.a.journal.Post(b.stray())))
	for i := range refusals {
		err := b.a.flush(t.Context(), saysYes{says: func(o transport.Object, body []byte) ([]byte, error) {
			if o.N == 1 {
				return nil, fmt.Errorf("cannot deliver it: %w", &refusals[i])
			}
			return (&liar{b: b, lies: map[string]int{"answer-2": len(refusals), "answer-2 by nobody": 1}, taken: map[string]bool{}}).Put(t.Context(), o, body)
		}}, "")
		s, serr := b.a.status()
		b.no(serr)
		if !transport.Permanent(err) || s.Outbox != 1 || s.Undelivered == nil || s.Undelivered.N != 1 || s.Undelivered.Why.Code != refusals[i].Err {
			t.Errorf("%s: %v, %d wait, and the status says %+v", refusals[i].Err, err, s.Outbox, s.Undelivered)
		}
	}
	b.no(b.a.flush(t.Context(), &liar{b: b, lies: map[string]int{"answer-1": len(refusals), "answer-1 by nobody": 1}, taken: map[string]bool{}}, ""))
	if s, err := b.a.status(); err != nil || s.Outbox != 0 || s.Undelivered != nil {
		t.Errorf("the desk has signed, %d wait, and the status says %+v: %v", s.Outbox, s.Undelivered, err)
	}
}

// Who is refused and refused comes at last no more often than who asks for orders, and
// begins anew when anything else goes wrong: an hour of a dead line is no reason to rest
// for hours over one refusal.
func TestWhoIsRefusedComesRarely(t *testing.T) {
	a := New(Parts{Link: transport.Config{RetryMin: time.Second, RetryMax: time.Minute, Poll: 6 * time.Hour}})
	refused := fmt.Errorf("cannot deliver: %w", &refusals[0])
	most := func(failures int, why error) (longest time.Duration) {
		for range 2000 {
			longest = max(longest, a.interval(failures, why))
		}
		return longest
	}
	var tries tally
	for range 30 {
		tries.after(errors.New("the line is cut"))
	}
	if n := tries.after(refused); n != 1 || most(n, refused) > time.Second {
		t.Errorf("after a dead line the first refusal is number %d", n)
	}
	if d := most(20, refused); d < time.Hour || d > 6*time.Hour {
		t.Errorf("refused 20 times: %v at most, want hours", d)
	}
	both := errors.Join(refused, errors.New("the line is cut"))
	if d := most(20, both); d > time.Minute {
		t.Errorf("something else waits too: %v", d)
	}
	tries.after(refused)
	if n := tries.after(both); n != 1 {
		t.Errorf("after two refusals a dead line is number %d", n)
	}
}

// The numbers of answers to what opened no case begin anew with an enrolment, and the desk
// has those of the one before under the same name: it would refuse them, rightly, for ever.
func TestStrayAnswersOfTwoEnrolmentsMeetNowhere(t *testing.T) {
	b := newBound(t)
	first := b.stray()
	again := *b.a.id
	again.binding.Epoch = 3
	b.a.id = &again
	later := b.stray()
	order, err := b.a.answer(b.order.Case, envelope.DigestOf([]byte("an order")), command.Refused, "E09")
	b.no(err)
	if got := []int64{first.N, later.N, order.N}; !slices.Equal(got, []int64{1, 2*straysAnEnrolment + 2, 1}) || !strings.HasPrefix(later.Case, "none:") {
		t.Errorf("the numbers are %v", got)
	}
}
