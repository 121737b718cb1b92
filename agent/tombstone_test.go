package agent

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/receipt"
	"unbindd/agent/trust"
	"unbindd/transport"
)

// lastDesk is a link to a desk that answers reveals one after the other, and the last way
// for ever.
type lastDesk struct {
	transport.Link
	b      *bound
	asked  *int
	says   []func(receipt.Receipt) ([]byte, error)
	honest *int // answers of the last way
}

func (l lastDesk) Reveal(_ context.Context, _ string, body []byte) ([]byte, error) {
	i := min(*l.asked, len(l.says)-1)
	if *l.asked++; *l.asked > len(l.says)+3 {
		l.b.t.Fatal("the desk is asked without end")
	}
	if i == len(l.says)-1 {
		*l.honest++
	}
	var sent struct{ R []byte }
	l.b.no(json.Unmarshal(body, &sent))
	c, err := l.b.a.openCase()
	l.b.no(err)
	return l.says[i](receipt.Receipt{
		Case: c.command.Case, Command: c.digest(), Index: 9, Kind: "tombstone", N: 1, Received: 1795392301,
		Subject: certificate.Commitment(sent.R), Terminal: c.command.Terminal, V: 1, Verified: receipt.Checked,
	})
}

func (l lastDesk) Name() string { return "https" }

func (l lastDesk) Close() error { return nil }

func lost(receipt.Receipt) ([]byte, error) { return nil, errors.New("timeout") }

// signedBy has the desk sign for it, with one of its keys.
func (b *bound) signedBy(key string) func(receipt.Receipt) ([]byte, error) {
	return func(r receipt.Receipt) ([]byte, error) { return b.seal(receipt.Kind, r, key).Encode(), nil }
}

// telling has a case go to its end before such a desk.
func (b *bound) telling(watch journal.Watch, says ...func(receipt.Receipt) ([]byte, error)) (asked, honest int) {
	b.a.ways = func(route, transport.Identity) (transport.Link, error) {
		return lastDesk{b: b, asked: &asked, honest: &honest, says: says}, nil
	}
	b.a.rest = func(context.Context, <-chan struct{}, int, error) error { return nil }
	b.sell(3)
	b.accept()
	c := b.carrier(journal.Plan{Reversible: b.a.plan.Reversible[:6], Gate: b.gate, Final: b.a.plan.Final})
	c.Watch = func(e journal.Event) {
		if e.Step == "sign-certificate" && e.Moment == journal.Recorded {
			b.certified()
		}
		watch(e)
	}
	_, err := c.Carry(b.ctx)
	b.no(err)
	return asked, honest
}

// That the desk has seen the preimage is taken from its signature and from nothing
// else that answers: after it the journal goes, and nobody tells it again. The
// signature may be by a key that came with a bundle after the acceptance.
func TestTheLastWordIsTheDesksSignature(t *testing.T) {
	b := newBound(t)
	differs := func(change func(*receipt.Receipt)) func(receipt.Receipt) ([]byte, error) {
		return func(r receipt.Receipt) ([]byte, error) {
			change(&r)
			return b.signedBy("receipt-1")(r)
		}
	}
	other := envelope.DigestOf([]byte("other"))
	says := []func(receipt.Receipt) ([]byte, error){
		lost,
		func(receipt.Receipt) ([]byte, error) { return nil, nil }, // 204
		func(receipt.Receipt) ([]byte, error) { return nil, transport.ErrNotYet },
		func(receipt.Receipt) ([]byte, error) { return []byte("<html>welcome</html>"), nil },
		b.signedBy("ops-1"),
		b.signedBy("receipt-3"), // of nobody
		differs(func(r *receipt.Receipt) { r.Subject = other }),
		differs(func(r *receipt.Receipt) { r.Kind = "certificate" }),
		differs(func(r *receipt.Receipt) { r.Case = "C-9" }),
		b.signedBy("receipt-2"),
	}
	asked, honest := b.telling(func(e journal.Event) {
		if e.Step != "deliver-certificate" || e.Moment != journal.Recorded {
			return
		}
		next := b.bundle(2, b.order.Profile.Digest)
		next.Keys[wireKey("receipt-2").Public().ID()] = trust.Key{
			Alg: wireKey("receipt-2").Public().Alg, Holder: "receipt-2", Pub: wireKey("receipt-2").Public().Pub, Role: trust.ReceiptKey,
		}
		if o := b.a.takeStep(b.seal("trust", next, "root-1", "root-2", "root-3")); o.Outcome != "accepted" {
			t.Errorf("the next bundle is %s: %+v", o.Outcome, o.Error)
		}
	}, says...)
	if asked != len(says) || honest != 1 {
		t.Errorf("asked %d times, and told the desk %d times; want %d and once", asked, honest, len(says))
	}
}

// Only a close of the newest certificate ends the telling: one of an earlier
// certificate, which the reader's return has superseded, ended nothing.
func TestAnOldCloseDoesNotEndTheTelling(t *testing.T) {
	b := newBound(t)
	var closes [2]json.RawMessage // of the newest certificate, of an earlier one
	asked, honest := b.telling(func(e journal.Event) {
		switch {
		case e.Step == "sign-certificate" && e.Moment == journal.Recorded:
			e, _, err := b.a.signed()
			b.no(err)
			for i, of := range []envelope.Digest{e.Digest(), envelope.DigestOf([]byte("an earlier one"))} {
				say := command.Close{Case: b.order.Case, Certificate: of, Terminal: b.order.Terminal, V: 1}
				closes[i] = b.seal("close", say, "ops-1", "sec-1", "rel-1").Encode()
			}
		case e.Step == "erase-identity" && e.Moment == journal.Recorded:
			for i, ends := range []bool{true, false} {
				b.no(b.a.journal.Save(noteClose, closes[i]))
				if forced, err := b.a.forced(); forced != ends || err != nil {
					t.Errorf("close %d: the telling may end: %v %v", i, forced, err)
				}
			}
		}
	}, lost, b.signedBy("receipt-1"))
	if asked != 2 || honest != 1 {
		t.Errorf("asked %d times, and told the desk %d times", asked, honest)
	}
}

// Once the identity is gone a close may still be handed in, and nothing else: it is the
// way out of a tombstone that no desk signs for. What a status says of the telling
// after that is what the desk has signed.
func TestACloseEndsTheTellingOnceTheIdentityIsGone(t *testing.T) {
	b := newBound(t)
	handed := false
	var closing, other []byte
	hand := func(receipt.Receipt) ([]byte, error) {
		if !handed {
			handed = true
			for name, text := range map[string][]byte{"a close of another certificate": other, "a cancel": b.seal("cancel", command.Cancel{Case: b.order.Case, Command: envelope.DigestOf(nil), Terminal: b.order.Terminal, V: 1}, "ops-1").Encode(), "a page": []byte("<html>")} {
				if o := b.a.take(text); o[0].Outcome != "refused" {
					t.Errorf("%s is %s", name, o[0].Outcome)
				}
			}
			if o := b.a.take(closing); o[0].Outcome != "accepted" {
				t.Errorf("the close is %s: %+v", o[0].Outcome, o[0].Error)
			}
		}
		return nil, errors.New("timeout")
	}
	asked, _ := b.telling(func(e journal.Event) {
		if e.Step == "sign-certificate" && e.Moment == journal.Recorded {
			e, _, err := b.a.signed()
			b.no(err)
			say := command.Close{Case: b.order.Case, Certificate: e.Digest(), Terminal: b.order.Terminal, V: 1}
			closing = b.seal("close", say, "ops-1", "sec-1", "rel-1").Encode()
			say.Certificate = envelope.DigestOf([]byte("another"))
			other = b.seal("close", say, "ops-1", "sec-1", "rel-1").Encode()
		}
	}, hand)
	if asked != 1 || !handed {
		t.Errorf("asked %d times", asked)
	}
	b.toldIs(false)
}

// What a status says of the telling is the desk's receipt, which outlives a restart.
func TestThatTheDeskWasToldOutlivesARestart(t *testing.T) {
	b := newBound(t)
	b.telling(func(journal.Event) {}, b.signedBy("receipt-1"))
	b.toldIs(true)
	b.no(os.WriteFile(b.a.at.told(), b.seal(receipt.Kind, receipt.ForTombstone("C-9", "T", envelope.DigestOf(nil), envelope.DigestOf(nil)).Receipt(), "receipt-1").Encode(), 0o600))
	b.toldIs(false) // of another tombstone
}

func (b *bound) toldIs(want bool) {
	b.t.Helper()
	text, err := os.ReadFile(b.a.at.tombstone())
	b.no(err)
	stone, err := certificate.ReadTombstone(text)
	b.no(err)
	if got := b.a.wasTold(stone); got != want {
		b.t.Errorf("the desk was told: %v, want %v", got, want)
	}
}
