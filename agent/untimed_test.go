package agent

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"unbindd/agent/envelope"
	"unbindd/transport"
)

// spoilt is a link that brings one bundle, and whose answers to the question for
// the time are spoilt so often.
type spoilt struct {
	transport.Link
	b      *bound
	brings []byte
	times  int // left to spoil; all, below 0
	asked  int
	taken  chan struct{}
}

func (l *spoilt) Name() string { return "spoilt" }

func (l *spoilt) Pull(ctx context.Context, etag string, _ time.Duration) ([]byte, string, error) {
	if etag == "brought" {
		close(l.taken)
		<-ctx.Done()
		return nil, etag, ctx.Err()
	}
	return l.brings, "brought", nil
}

func (l *spoilt) Time(_ context.Context, body []byte) ([]byte, error) {
	l.asked++
	if l.times != 0 {
		l.times--
		return nil, errors.New("the answer is bent")
	}
	var q struct{ Nonce envelope.ID }
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, err
	}
	return l.b.seal("time", timeAnswer{Nonce: q.Nonce, Time: 1795392000, V: 1}, "receipt-1").Encode(), nil
}

// A command that asks the clock stays at the desk while the desk's time does not
// come through, and is taken when it has. One that answers a challenge asks nothing;
// and where the time cannot be had at all, the command is refused in the end.
func TestACommandWaitsForTheTime(t *testing.T) {
	for name, c := range map[string]struct {
		spoilt     int
		challenged bool
		asked      int
		outcome    string
	}{
		"spoilt thrice":       {spoilt: 3, asked: 4, outcome: "accepted"},
		"answers a challenge": {spoilt: -1, challenged: true, asked: 0, outcome: "accepted"},
		"no time at all":      {spoilt: -1, asked: timeTries, outcome: "refused E15"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBound(t)
			b.a.clock = newClock(time.Now, 0)
			b.a.Link.RetryMin, b.a.Link.RetryMax = time.Millisecond, time.Millisecond
			order := b.seal("command", b.order, "ops-1", "sec-1")
			if c.challenged {
				order = b.challenged(1)
			}
			link := &spoilt{b: b, brings: file(t, nil, []*envelope.Envelope{order}, nil), times: c.spoilt, taken: make(chan struct{})}
			b.a.link = link
			close(b.a.timed)
			ctx, end := context.WithCancel(t.Context())
			over := make(chan struct{})
			go func() { defer close(over); b.a.poll(ctx) }()
			<-link.taken
			end()
			<-over
			got := "accepted"
			if _, begun, err := b.a.current(); err != nil || !begun {
				got = b.a.refused[string(order.Digest())+"E15"].Outcome + " E15"
			}
			if got != c.outcome || link.asked != c.asked {
				t.Errorf("the command is %s after %d questions for the time, want %s after %d", got, link.asked, c.outcome, c.asked)
			}
		})
	}
}
