package agent

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/receipt"
	"unbindd/transport"
)

func TestWhatAnAnswerHoldsUp(t *testing.T) {
	status := func(code int, err string) error { return &transport.Status{Code: code, Err: err} }
	signer := envelope.Refuse("E24", "signer", "nobody's key")
	for name, c := range map[string]struct {
		err         error
		link, walks int
	}{
		"the network is away":            {errors.New("no route"), holdsAll, holdsNothing},
		"the desk is tired":              {status(http.StatusServiceUnavailable, ""), holdsAll, holdsNothing},
		"no room on its disk":            {status(http.StatusInsufficientStorage, "E27:space"), holdsAll, holdsNothing},
		"no room for more of the case":   {status(http.StatusInsufficientStorage, "E27:case"), holdsCase, holdsNothing},
		"no room for strays today":       {status(http.StatusInsufficientStorage, "E27:day"), holdsCase, holdsNothing},
		"the case is not known":          {status(http.StatusNotFound, "E28:case"), holdsCase, holdsNothing},
		"refused in the desk's words":    {status(http.StatusUnprocessableEntity, "E05:device"), holdsNothing, holdsNothing},
		"a receipt by nobody's key":      {signer, holdsCase, holdsNothing},
		"a receipt by a key since gone":  {fmt.Errorf("%w: %w", errRevokedSince, signer), holdsNothing, holdsNothing},
		"it lies there, no receipt yet":  {transport.ErrNotYet, holdsAll, holdsNothing},
		"there is no medium":             {transport.ErrNoMedium, holdsAll, holdsAll},
		"nobody waits for it any longer": {context.Canceled, holdsAll, holdsAll},
	} {
		if got := holdsUp(c.err, false); got != c.link {
			t.Errorf("%s, on a link: %d, want %d", name, got, c.link)
		}
		if got := holdsUp(c.err, true); got != c.walks {
			t.Errorf("%s, on a medium: %d, want %d", name, got, c.walks)
		}
	}
}

// An answer for which the desk has no room holds up its own case alone, and its refusal is
// not shown as one that is final.
func TestNoRoomForOneHoldsUpNoOther(t *testing.T) {
	b := newBound(t)
	p := b.stray()
	b.no(b.a.journal.Post(p))
	b.accept()
	taken := 0
	link := saysYes{says: func(o transport.Object, body []byte) ([]byte, error) {
		if o.Case != string(b.order.Case) {
			return nil, &transport.Status{Code: http.StatusInsufficientStorage, Err: "E27:day"}
		}
		taken++
		e, err := envelope.Parse(body, envelope.MaxSize)
		b.no(err)
		var a command.Answer
		b.no(envelope.Decode(e.Payload, &a))
		return b.receipt(receipt.ForAnswer(a.Case, a.Terminal, a.Subject, a.N, e.Digest())).Encode(), nil
	}}
	if err := b.a.flush(t.Context(), link, ""); err == nil || taken != 1 {
		t.Errorf("%d answers of the case went out beside %s: %v", taken, p.Case, err)
	}
	if b.a.show.unsaid != nil {
		t.Errorf("shown as refused: %+v", b.a.show.unsaid)
	}
}

// An amendment that nobody signed takes no number of the case's own: the desk bounds those.
func TestForgedOrdersTakeNoNumberOfTheCase(t *testing.T) {
	b := newBound(t)
	b.accept()
	c, err := b.a.openCase()
	b.no(err)
	for code, own := range map[string]bool{"E03": false, "E04": false, "E05": false, "E11": true, "E28": true} {
		if got := b.a.caseOf(c, envelope.Refuse(code, "x", "no")) == b.order.Case; got != own {
			t.Errorf("%s is answered under the case: %v", code, got)
		}
	}
}
