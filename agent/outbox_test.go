package agent

import (
	"context"
	"errors"
	"testing"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/receipt"
	"unbindd/agent/trust"
	"unbindd/transport"
)

// saysYes is a link that answers every object in one way.
type saysYes struct {
	transport.Link
	says func(transport.Object, []byte) ([]byte, error)
}

func (y saysYes) Put(_ context.Context, o transport.Object, body []byte) ([]byte, error) {
	return y.says(o, body)
}

// An answer stays in the outbox until the desk has signed for its bytes. That the link
// took it is anybody's word who stands in front of the desk.
func TestAnAnswerStaysUntilTheDeskHasSignedForIt(t *testing.T) {
	b := newBound(t)
	b.accept()
	word := func(body []byte) (w receipt.Want) {
		e, err := envelope.Parse(body, envelope.MaxSize)
		b.no(err)
		var a command.Answer
		b.no(envelope.Decode(e.Payload, &a))
		return receipt.Want{
			Case: a.Case, Command: a.Subject, Kind: "answer", N: a.N, Subject: e.Digest(), Terminal: a.Terminal, Verified: receipt.Checked,
		}
	}
	signs := func(change func(*receipt.Want)) func(transport.Object, []byte) ([]byte, error) {
		return func(_ transport.Object, body []byte) ([]byte, error) {
			w := word(body)
			change(&w)
			return b.receipt(w).Encode(), nil
		}
	}
	other := envelope.DigestOf([]byte("other"))
	for name, says := range map[string]func(transport.Object, []byte) ([]byte, error){
		"kept, and nothing to say": func(transport.Object, []byte) ([]byte, error) { return nil, nil },
		"kept, the reply follows":  func(transport.Object, []byte) ([]byte, error) { return nil, transport.ErrNotYet },
		"the answer itself":        func(_ transport.Object, body []byte) ([]byte, error) { return body, nil },
		"something else that is signed": func(transport.Object, []byte) ([]byte, error) {
			return b.seal("time", timeAnswer{Nonce: "n", Time: 1, V: 1}, "receipt-1").Encode(), nil
		},
		"a page":                        func(transport.Object, []byte) ([]byte, error) { return []byte("<html>welcome</html>"), nil },
		"a receipt for other bytes":     signs(func(w *receipt.Want) { w.Subject = other }),
		"a receipt for another order":   signs(func(w *receipt.Want) { w.Command = other }),
		"a receipt for another number":  signs(func(w *receipt.Want) { w.N++ }),
		"a receipt for a certificate":   signs(func(w *receipt.Want) { w.Kind = "certificate" }),
		"a receipt of another case":     signs(func(w *receipt.Want) { w.Case = "C-9" }),
		"a receipt of another terminal": signs(func(w *receipt.Want) { w.Terminal = "T-9" }),
		"a receipt by somebody else": func(_ transport.Object, body []byte) ([]byte, error) {
			w := word(body)
			return b.seal(receipt.Kind, receipt.Receipt{
				Case: w.Case, Command: w.Command, Kind: w.Kind, N: w.N, Subject: w.Subject, Terminal: w.Terminal, Verified: w.Verified, V: 1,
			}, "ops-1").Encode(), nil
		},
	} {
		err := b.a.flush(t.Context(), saysYes{says: says}, "")
		if key := name == "a receipt by somebody else"; key != (envelope.CodeOf(err) == "E24:signer") {
			t.Errorf("%s: %v, and only the key may hold no certificate up", name, err)
		}
		box, berr := b.a.journal.Outbox()
		b.no(berr)
		if err == nil || len(box) != 1 || transport.Permanent(err) {
			t.Errorf("%s: %v, and %d answers wait", name, err, len(box))
		}
	}
	b.no(b.a.flush(t.Context(), saysYes{says: signs(func(*receipt.Want) {})}, ""))
	if box, err := b.a.journal.Outbox(); err != nil || len(box) != 0 {
		t.Fatalf("the desk has signed, and %d answers wait: %v", len(box), err)
	}
	if err := b.a.flush(t.Context(), saysYes{says: func(transport.Object, []byte) ([]byte, error) { return nil, errors.New("nobody is asked") }}, ""); err != nil {
		t.Fatal(err)
	}
}

// An answer for which nothing comes that can be believed holds up neither those of
// other cases nor, where the desk's key alone is the reason, the certificate; a receipt
// by a key of a former trust is believed, one by a key that was revoked since is not.
func TestAnAnswerThatIsNotBelievedHoldsNothingUp(t *testing.T) {
	b := newBound(t)
	b.accept()
	b.no(b.a.journal.Post(b.stray()))
	signs := func(key func(receipt.Want) string) saysYes {
		return saysYes{says: func(_ transport.Object, body []byte) ([]byte, error) {
			e, err := envelope.Parse(body, envelope.MaxSize)
			b.no(err)
			var a command.Answer
			b.no(envelope.Decode(e.Payload, &a))
			w := receipt.ForAnswer(a.Case, a.Terminal, a.Subject, a.N, e.Digest())
			return b.seal(receipt.Kind, w.Receipt(), key(w)).Encode(), nil
		}}
	}
	waits := func(want int, why string) {
		t.Helper()
		if box, err := b.a.journal.Outbox(); err != nil || len(box) != want {
			t.Fatalf("%s: %d answers wait, want %d: %v", why, len(box), want, err)
		}
	}
	err := b.a.flush(t.Context(), signs(func(w receipt.Want) string {
		if w.Case == b.order.Case {
			return "receipt-9"
		}
		return "receipt-1"
	}), "")
	if envelope.CodeOf(err) != "E24:signer" {
		t.Errorf("an unknown key: %v", err)
	}
	waits(1, "one key is unknown")

	next := b.bundle(2, b.order.Profile.Digest)
	delete(next.Keys, wireKey("receipt-1").Public().ID())
	next.Log.Key = wireKey("receipt-2").Public().ID()
	pub := wireKey("receipt-2").Public()
	next.Keys[pub.ID()] = trust.Key{Alg: pub.Alg, Holder: "receipt-2", Pub: pub.Pub, Role: trust.ReceiptKey}
	if o := b.a.takeStep(b.seal("trust", next, "root-1", "root-2", "root-3")); o.Outcome != "accepted" {
		t.Fatalf("the next bundle is %s: %+v", o.Outcome, o.Error)
	}
	b.no(b.a.flush(t.Context(), signs(func(receipt.Want) string { return "receipt-1" }), ""))
	waits(0, "a key of then")

	b.no(b.a.journal.Post(b.stray()))
	gone := next
	gone.Version, gone.Revoked = 3, []envelope.KeyID{wireKey("receipt-1").Public().ID()}
	if o := b.a.takeStep(b.seal("trust", gone, "root-1", "root-2", "root-3")); o.Outcome != "accepted" {
		t.Fatalf("the bundle that revokes is %s: %+v", o.Outcome, o.Error)
	}
	if err := b.a.flush(t.Context(), signs(func(receipt.Want) string { return "receipt-1" }), ""); envelope.CodeOf(err) != "E24:signer" {
		t.Errorf("a revoked key: %v", err)
	}
	waits(1, "a revoked key")
}

// stray is an answer that opened no case.
func (b *bound) stray() journal.Parcel {
	b.t.Helper()
	p, err := b.a.answer(b.a.unnamed(), envelope.DigestOf([]byte("an order")), command.Refused, "E09")
	b.no(err)
	return p
}
