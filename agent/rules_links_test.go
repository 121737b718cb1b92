package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"unbindd/transport"
)

// openedLink is a link that tells when it is closed.
type openedLink struct {
	transport.Link
	closed int
}

func (l *openedLink) Close() error {
	l.closed++
	return nil
}

// A link made under one trust bundle does not live under the next: its roots and
// pins, and whatever it remembers of a connection, are those of the one before.
func TestTheNextTrustMakesANewLink(t *testing.T) {
	b := newBound(t)
	old := &openedLink{}
	b.a.link = old
	next := b.seal("trust", b.bundle(2, b.order.Profile.Digest), "root-1", "root-2", "root-3")
	if o, changed := b.a.takeTrust([]json.RawMessage{next.Encode()}); !changed {
		t.Fatalf("the next trust bundle is %s: %+v", o.Outcome, o.Error)
	}
	if b.a.link != nil || old.closed != 1 {
		t.Errorf("the old link is still used, and was closed %d times", old.closed)
	}
	same := &openedLink{}
	b.a.link = same
	if _, changed := b.a.takeTrust([]json.RawMessage{next.Encode()}); changed || same.closed != 0 {
		t.Error("the same bundle again made a new link")
	}
}

// A wait that the desk asks for is kept by whoever asks it, with the jitter that
// keeps a fleet from coming back at one moment.
func TestTheDesksWaitIsKept(t *testing.T) {
	a := New(Parts{Link: transport.Config{RetryMin: time.Second, RetryMax: time.Minute}})
	busy := fmt.Errorf("cannot pull: %w", &transport.Status{Code: 503, RetryAfter: time.Hour})
	for failures := range 30 {
		if d := a.interval(failures+1, busy); d < time.Hour || d > time.Hour+time.Second {
			t.Fatalf("after %d failures: %v, want an hour and at most a second", failures+1, d)
		}
		if d := a.interval(failures+1, errors.New("the line is cut")); d > time.Minute {
			t.Fatalf("after %d failures: %v, want a minute at most", failures+1, d)
		}
	}
}
