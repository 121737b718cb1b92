package agent

import (
	"context"
	"errors"
	"testing"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/receipt"
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
		"kept, and nothing to say":      func(transport.Object, []byte) ([]byte, error) { return nil, nil },
		"kept, the reply follows":       func(transport.Object, []byte) ([]byte, error) { return nil, transport.ErrNotYet },
		"the answer itself":             func(_ transport.Object, body []byte) ([]byte, error) { return body, nil },
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
