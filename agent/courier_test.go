package agent

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/receipt"
	"unbindd/transport"
)

// plugged is a bound terminal with a medium, and the desk's end of it.
func plugged(t *testing.T) (*bound, *transport.Folder) {
	t.Helper()
	b := newBound(t)
	b.a.Courier.Path = t.TempDir()
	b.no(os.Mkdir(filepath.Join(b.a.Courier.Path, "unbind"), 0o700))
	folder, err := transport.OpenFolder(b.a.Courier.Path)
	b.no(err)
	t.Cleanup(func() { b.no(folder.Close()) })
	return b, folder
}

// put is what the terminal put out of its running case.
func (b *bound) put(folder *transport.Folder) (objects []transport.Object) {
	b.t.Helper()
	objects, strange, err := folder.Out(string(b.order.Terminal), string(b.order.Case))
	if b.no(err); len(strange) > 0 {
		b.t.Errorf("strange: %q", strange)
	}
	return objects
}

// signFor lays the desk's receipt for an answer down, as change has it.
func (b *bound) signFor(folder *transport.Folder, o transport.Object, change func(*receipt.Want)) {
	b.t.Helper()
	body, err := folder.Read(string(b.order.Terminal), o)
	b.no(err)
	e, err := envelope.Parse(body, envelope.MaxSize)
	b.no(err)
	var a command.Answer
	b.no(envelope.Decode(e.Payload, &a))
	w := receipt.ForAnswer(a.Case, a.Terminal, a.Subject, a.N, e.Digest())
	change(&w)
	o.Kind = "receipt-" + o.Kind
	_, err = folder.Give(b.t.Context(), string(b.order.Terminal), o, b.receipt(w).Encode())
	b.no(err)
}

func (b *bound) waitsInOutbox(want int, why string) {
	b.t.Helper()
	if box, err := b.a.journal.Outbox(); err != nil || len(box) != want {
		b.t.Fatalf("%s: %d answers wait, want %d: %v", why, len(box), want, err)
	}
}

// Whatever strangers leave on a medium ends no delivery: other bytes under an answer's
// name, a page for a receipt, a receipt for something else. The desk's own ends it, and
// the same outbox serves the network, which has nothing left to send.
func TestWhatLiesOnAMediumEndsNothing(t *testing.T) {
	b, folder := plugged(t)
	b.accept()
	m := b.a.courier()
	out := filepath.Join(b.a.Courier.Path, "unbind", string(b.order.Terminal), string(b.order.Case), "out")
	b.no(os.MkdirAll(out, 0o700))
	b.no(os.WriteFile(filepath.Join(out, "answer-1.json"), []byte("{}"), 0o600))
	if err := b.a.flush(t.Context(), m, ""); err == nil || !strings.Contains(err.Error(), "answer-1.json") {
		t.Errorf("other bytes under the answer's name: %v", err)
	}
	b.waitsInOutbox(1, "other bytes")
	b.no(os.Remove(filepath.Join(out, "answer-1.json")))
	if err := b.a.flush(t.Context(), m, ""); !errors.Is(err, transport.ErrNotYet) {
		t.Fatal(err)
	}
	o := b.put(folder)[0]
	_, err := folder.Give(t.Context(), string(b.order.Terminal), transport.Object{Case: o.Case, Kind: "receipt-answer", N: 1}, []byte("<html>welcome</html>"))
	b.no(err)
	if err := b.a.flush(t.Context(), m, ""); envelope.CodeOf(err) != "E24:form" {
		t.Errorf("a page: %v", err)
	}
	b.signFor(folder, o, func(w *receipt.Want) { w.N++ })
	if err := b.a.flush(t.Context(), m, ""); err == nil {
		t.Error("a receipt for another answer was taken")
	}
	b.waitsInOutbox(1, "no receipt that can be believed")
	b.signFor(folder, o, func(*receipt.Want) {})
	b.no(b.a.flush(t.Context(), m, ""))
	b.waitsInOutbox(0, "the desk has signed")
	b.no(b.a.flush(t.Context(), saysYes{says: func(transport.Object, []byte) ([]byte, error) { return nil, errors.New("nobody is asked") }}, ""))
}

// One walk carries every answer: that the receipt for the first is still to come holds
// up none, of the same case neither.
func TestOneWalkCarriesEveryAnswer(t *testing.T) {
	b, folder := plugged(t)
	b.accept()
	for range 2 {
		p, err := b.a.answer(b.order.Case, envelope.DigestOf([]byte("an amendment")), command.Accepted, command.CodeNone)
		b.no(err)
		b.no(b.a.journal.Post(p))
	}
	if err := b.a.flush(t.Context(), b.a.courier(), ""); !errors.Is(err, transport.ErrNotYet) {
		t.Fatal(err)
	}
	out := b.put(folder)
	if len(out) != 3 {
		t.Fatalf("put out: %v", out)
	}
	for _, o := range out {
		b.signFor(folder, o, func(*receipt.Want) {})
	}
	b.no(b.a.flush(t.Context(), b.a.courier(), ""))
	b.waitsInOutbox(0, "all are signed for")
}

// A medium comes and goes: without one nothing is a failure, with one its orders are
// taken once and answered onto it, and with the next one they are not taken again.
func TestAMediumThatComesAndGoes(t *testing.T) {
	b, folder := plugged(t)
	m := b.a.courier()
	home, away := filepath.Join(b.a.Courier.Path, "unbind"), filepath.Join(b.a.Courier.Path, "away")
	b.no(os.Rename(home, away))
	var d tending
	for range 3 {
		b.a.tendOnce(t.Context(), m, &d)
	}
	if d.untaken.said != "" || d.taken != "" {
		t.Errorf("a medium that is not there is complained of: %+v", d)
	}
	b.no(os.Rename(away, home))
	b.a.tendOnce(t.Context(), m, &d) // it came, and nothing lies on it
	c, err := b.a.newChallenge()
	b.no(err)
	b.order.Challenge = envelope.ID(c.Challenge)
	_, err = folder.Command(t.Context(), string(b.order.Terminal), b.seal(command.Kind, b.order, "ops-1", "sec-1").Encode())
	b.no(err)
	rung := b.a.bell.wait()
	b.a.tendOnce(t.Context(), m, &d)
	run, begun, err := b.a.journal.Current()
	if err != nil || !begun || len(b.put(folder)) != 1 {
		t.Fatalf("the order was not taken: %+v, %v, %v", run, err, b.put(folder))
	}
	select {
	case <-rung:
	default:
		t.Error("nobody who waits was told that something came")
	}
	b.signFor(folder, b.put(folder)[0], func(*receipt.Want) {})
	b.a.tendOnce(t.Context(), m, &d)
	b.waitsInOutbox(0, "the receipt lies there")
	b.no(os.Rename(home, away))
	b.a.tendOnce(t.Context(), m, &d)
	b.no(os.Rename(away, home))
	b.a.tendOnce(t.Context(), m, &d)
	b.waitsInOutbox(0, "the same order once more is no news")
	if out := b.put(folder); len(out) != 1 {
		t.Errorf("put out: %v", out)
	}
}

// Where the courier is the only way the network is not tried; beside it, what the medium
// lacks the network brings, and a medium that is not there is nobody's failure.
func TestTheWaysGoTogether(t *testing.T) {
	b, _ := plugged(t)
	dead := errors.New("the network is dead")
	asked := 0
	b.a.ways = func(route, transport.Identity) (transport.Link, error) {
		return saysYes{says: func(transport.Object, []byte) ([]byte, error) { asked++; return nil, dead }}, nil
	}
	put := func(link transport.Link) error {
		_, err := link.Put(t.Context(), transport.Object{Case: "C-1", Kind: "manifest", N: 1}, []byte("{}"))
		return err
	}
	if err := b.a.byEvery(put); err != dead || asked != 1 || !b.a.laid.Load() {
		t.Errorf("beside: %v, asked %d times", err, asked)
	}
	b.a.waitsOn("deliver-backup", "receipt and ticket", dead)
	if got := b.a.show.waitsFor; got != "receipt and ticket"+andCarry || b.a.show.waitsOver == nil {
		t.Errorf("it waits for %q over %v", got, b.a.show.waitsOver)
	}
	b.a.Courier.Use = transport.Only
	if err := b.a.byEvery(put); err != transport.ErrNotYet || asked != 1 || b.a.links() != nil {
		t.Errorf("only: %v, asked %d times", err, asked)
	}
	b.a.waitsOn("deliver-backup", "receipt and ticket", transport.ErrNotYet)
	if b.a.show.waitsOver != nil {
		t.Errorf("that the desk's word is not there yet is a problem: %v", b.a.show.waitsOver)
	}
	b.no(os.RemoveAll(filepath.Join(b.a.Courier.Path, "unbind")))
	if err := b.a.byEvery(put); !errors.Is(err, transport.ErrNoMedium) || b.a.laid.Load() {
		t.Errorf("only, without a medium: %v", err)
	}
	b.a.Courier.Use = transport.Beside
	if err := b.a.byEvery(put); err != dead || asked != 2 {
		t.Errorf("beside, without a medium: %v", err)
	}
}

// Once the identity is gone a close is found among the orders on the medium, as the desk
// lays them down; nothing else of them is taken.
func TestACarriedCloseIsFoundAmongOrders(t *testing.T) {
	b := newBound(t)
	var closing, order []byte
	handed := ""
	hand := func(receipt.Receipt) ([]byte, error) {
		text, err := json.Marshal(bundle{Orders: []json.RawMessage{order, closing}})
		b.no(err)
		if handed == "" {
			handed = outcomes(b.a.takeFile(t.Context(), text))
		}
		return nil, errors.New("timeout")
	}
	asked, _ := b.telling(func(e journal.Event) {
		if e.Step == "sign-certificate" && e.Moment == journal.Recorded {
			e, _, err := b.a.signed()
			b.no(err)
			closing = b.seal("close", command.Close{Case: b.order.Case, Certificate: e.Digest(), Terminal: b.order.Terminal, V: 1}, "ops-1", "sec-1", "rel-1").Encode()
			order = b.seal(command.Kind, b.order, "ops-1", "sec-1").Encode()
		}
	}, hand)
	if asked != 1 || handed != "file E28:not-bound, close accepted" {
		t.Errorf("asked %d times: %s", asked, handed)
	}
}
