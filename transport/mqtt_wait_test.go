package transport_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"unbindd/transport"
	"unbindd/transport/broker"
	"unbindd/transport/transporttest"
)

// The desk's answer is one whether or not the broker ever acknowledged the question.
func TestAnAnswerIsHeardWithoutTheBrokersWord(t *testing.T) {
	b := transporttest.NewBroker(t, transporttest.Now())
	b.Silence(true)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, err := b.Link(t, nil).Put(ctx, manifest, []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
}

// Bells without end are no reason to ask without end, and every one is heard by who
// wants to know, whether or not anybody pulls.
func TestBellsWithoutEnd(t *testing.T) {
	b := transporttest.NewBroker(t, transporttest.Now())
	var asked atomic.Int64
	b.Lose(func(topic string, _ []byte) bool {
		if strings.HasSuffix(topic, "/up") {
			asked.Add(1)
		}
		return false
	})
	link, err := transport.NewMQTT(transport.Config{URL: b.Desk.URL, RetryMin: time.Hour, RetryMax: time.Hour},
		transport.MQTTConfig{URL: b.URL}, b.Identity(t, transporttest.Terminal))
	if err != nil {
		t.Fatal(err)
	}
	rang := make(chan struct{}, 1)
	link.OnBell(func() {
		select {
		case rang <- struct{}{}:
		default:
		}
	})
	if _, _, err := link.Pull(t.Context(), "", 0); err != nil {
		t.Fatal(err)
	}
	b.Ring(t) // nobody pulls
	select {
	case <-rang:
	case <-time.After(30 * time.Second):
		t.Fatal("a bell between two questions is not heard")
	}
	asked.Store(0)
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() { defer close(over); _, _, _ = link.Pull(ctx, "", time.Hour) }() // it ends with its context
	for range 50 {
		b.Ring(t)
		select {
		case <-rang:
		case <-time.After(30 * time.Second):
			t.Fatal("a bell while somebody pulls is not heard")
		}
	}
	cancel()
	<-over
	if n := asked.Load(); n > 1 {
		t.Errorf("50 bells made %d questions", n)
	}
	if err := link.Close(); err != nil {
		t.Error(err)
	}
	if _, _, err := link.Pull(t.Context(), "", time.Hour); !errors.Is(err, broker.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// A broker that takes every connection and drops it makes the pauses grow, before
// the next connection and before the pull that follows one.
func TestAFlappingBrokerMakesNoStorm(t *testing.T) {
	b := transporttest.NewBroker(t, transporttest.Now())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var mu sync.Mutex
	var naps []time.Duration
	longest := time.Duration(0)
	backoff := transport.Backoff{
		Min: time.Second, Max: time.Hour, Int: func(n int64) int64 { return n - 1 },
		Nap: func(ctx context.Context, d time.Duration) error {
			mu.Lock()
			defer mu.Unlock()
			naps = append(naps, d)
			if longest = max(longest, d); len(naps) >= 12 {
				cancel()
			}
			return context.Cause(ctx)
		},
	}
	err := transport.Doorbell(ctx, transport.Config{}, transport.MQTTConfig{URL: b.URL}, b.Identity(t, transporttest.Terminal),
		backoff, func() { b.Cut(t) }, func(error) {})
	if !errors.Is(err, context.Canceled) || longest < 16*time.Second {
		t.Errorf("%v; the pauses were %v", err, naps)
	}
}
