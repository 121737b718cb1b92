package agent

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"unbindd/transport"
	"unbindd/transport/transporttest"
)

// openedLink is a link that tells when it is closed.
type openedLink struct {
	transport.Link
	closed int
	pulled chan struct{}
	err    error
}

func (l *openedLink) Name() string { return "opened" }

func (l *openedLink) Pull(ctx context.Context, etag string, _ time.Duration) ([]byte, string, error) {
	select {
	case l.pulled <- struct{}{}:
	case <-ctx.Done():
	}
	return nil, etag, l.err
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
	if o := b.a.takeStep(next); o.Outcome != "accepted" {
		t.Fatalf("the next trust bundle is %s: %+v", o.Outcome, o.Error)
	}
	if b.a.link != nil || old.closed != 1 {
		t.Errorf("the old link is still used, and was closed %d times", old.closed)
	}
	same := &openedLink{}
	b.a.link = same
	if o := b.a.takeStep(next); o.Outcome != "known" || same.closed != 0 {
		t.Error("the same bundle again made a new link")
	}
}

// A wait that the desk asks for is kept by whoever asks it, with the jitter that
// keeps a fleet from coming back at one moment.
func TestTheDesksWaitIsKept(t *testing.T) {
	a := New(Parts{Link: transport.Config{RetryMin: time.Second, RetryMax: time.Minute}})
	busy := fmt.Errorf("cannot pull: %w", &transport.Status{Code: 503, Err: "E28:busy", RetryAfter: time.Hour})
	portal := fmt.Errorf("cannot pull: %w", &transport.Status{Code: 503, RetryAfter: 24 * time.Hour})
	for failures := range 30 {
		if d := a.interval(failures+1, busy); d < time.Hour || d > time.Hour+time.Second {
			t.Fatalf("after %d failures: %v, want an hour and at most a second", failures+1, d)
		}
		if d := a.interval(failures+1, portal); d > time.Minute+time.Second {
			t.Fatalf("a portal silences the terminal for %v", d)
		}
		if d := a.interval(failures+1, errors.New("the line is cut")); d > time.Minute {
			t.Fatalf("after %d failures: %v, want a minute at most", failures+1, d)
		}
	}
}

// Whoever carries, a bell is heard between two questions: the link over a broker
// feeds the same one that the doorbell does.
func TestThePipesBellIsHeardWhileTrading(t *testing.T) {
	b := transporttest.NewBroker(t, transporttest.Now())
	a := New(Parts{Link: transport.Config{URL: b.Desk.URL}, MQTT: transport.MQTTConfig{URL: b.URL, Use: transport.Pipe}})
	link, err := a.way(route{}, b.Identity(t, transporttest.Terminal))
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	if _, _, err := link.Pull(t.Context(), "", 0); err != nil {
		t.Fatal(err)
	}
	b.Ring(t)
	select {
	case <-a.rung:
	case <-time.After(30 * time.Second):
		t.Fatal("a bell that rang after the question is not heard")
	}
}

// Neither six hours between two questions nor an hour that somebody asked for keeps a
// bell from being heard, or a technician.
func TestABellEndsEveryWait(t *testing.T) {
	for name, why := range map[string]error{
		"trading": nil, "told to wait": &transport.Status{Code: 503, Err: "E28:busy", RetryAfter: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBound(t)
			b.a.Link.Poll, b.a.Link.RetryMin, b.a.Link.RetryMax = 6*time.Hour, time.Millisecond, time.Hour
			link := &openedLink{pulled: make(chan struct{}), err: why}
			b.a.link = link
			close(b.a.timed)
			ctx, end := context.WithCancel(t.Context())
			over := make(chan struct{})
			go func() { defer close(over); b.a.poll(ctx) }()
			<-link.pulled
			for _, call := range []func(){b.a.ring, b.a.bell.ring} {
				call()
				select {
				case <-link.pulled:
				case <-time.After(30 * time.Second):
					t.Error("nobody asks")
				}
			}
			end()
			<-over
		})
	}
}
