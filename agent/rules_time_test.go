package agent

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"unbindd/agent/envelope"
	"unbindd/transport"
)

// tellsTime is a link whose desk, or whoever stands there, answers the question for
// the time.
type tellsTime struct {
	transport.Link
	answer func(nonce string) []byte
}

func (l tellsTime) Time(_ context.Context, body []byte) ([]byte, error) {
	var q struct{ Nonce string }
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, err
	}
	return l.answer(q.Nonce), nil
}

// told has the terminal ask for the time once.
func (b *bound) told(by string, at int64, nonce func(string) string) error {
	b.a.link = tellsTime{answer: func(n string) []byte {
		return b.seal("time", timeAnswer{Nonce: envelope.ID(nonce(n)), Time: at, V: 1}, by).Encode()
	}}
	return b.a.askTime(b.ctx)
}

func same(s string) string { return s }

// Only the desk's signed answer to this very question is the time, and none that
// lies before what is known to have passed.
func TestOnlyTheDesksAnswerIsTheTime(t *testing.T) {
	const at = 1795392000
	b := newBound(t)
	other := func(string) string { return "0VAAFPC2NDTZN2FFKRJ3FQKG24" }
	for name, told := range map[string]func() error{
		"of another question": func() error { return b.told("receipt-1", at, other) },
		"of another key":      func() error { return b.told("ops-1", at, same) },
	} {
		if err := told(); err == nil {
			t.Errorf("a time %s is believed", name)
		}
		if _, quality := b.a.clock.read(); quality == clockTrusted {
			t.Errorf("a time %s is trusted", name)
		}
	}
	b.no(b.told("receipt-1", at, same))
	if now, quality := b.a.clock.read(); quality != clockTrusted || now < at || now > at+600 {
		t.Errorf("after the desk's answer it is %d, %s", now, quality)
	}
	if err := b.told("receipt-1", at-1, same); err == nil {
		t.Error("a time before the floor is believed")
	}
}

// The floor is on disk and outlives a restart, whatever the machine's clock says
// then; an online key moves it no further than to the end of its trust.
func TestTheFloorOutlivesARestart(t *testing.T) {
	const at = 1795392000
	b := newBound(t)
	b.no(b.told("receipt-1", at, same))
	b.no(b.a.tick())
	again := func() *Agent {
		b.a.close()
		a := New(b.a.Parts)
		a.Now = func() time.Time { return time.Unix(0, 0) }
		b.no(a.open())
		b.a = a
		return a
	}
	if a := again(); a.clock.low() < at || a.clock.wall().Unix() < at {
		t.Errorf("after a restart the floor is %d, the time %v", a.clock.low(), a.clock.wall())
	}
	b.no(b.told("receipt-1", b.a.id.trust.Expires+1000, same))
	b.no(b.a.tick())
	if a := again(); a.clock.low() != a.id.trust.Expires {
		t.Errorf("the floor is %d, the trust ends %d", a.clock.low(), a.id.trust.Expires)
	}
}
