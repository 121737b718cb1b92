package broker_test

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"unbindd/transport/broker"
)

// mute is a broker that answers CONNECT and what it is told to besides.
type mute struct {
	URL    string
	mu     sync.Mutex
	conns  int
	answer func(kind byte, body []byte) []byte // after CONNECT; nil is silence
}

func newMute(t *testing.T, answer func(kind byte, body []byte) []byte) *mute {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mute{URL: "mqtt://" + l.Addr().String(), answer: answer}
	t.Cleanup(func() { _ = l.Close() }) // it ends the loop below
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			m.mu.Lock()
			m.conns++
			m.mu.Unlock()
			go m.talk(c)
		}
	}()
	return m
}

func (m *mute) talk(c net.Conn) {
	defer c.Close()
	for {
		var kind [1]byte
		if _, err := io.ReadFull(c, kind[:]); err != nil {
			return
		}
		size, shift := 0, 0
		for {
			var digit [1]byte
			if _, err := io.ReadFull(c, digit[:]); err != nil {
				return
			}
			size |= int(digit[0]&0x7f) << shift
			shift += 7
			if digit[0]&0x80 == 0 {
				break
			}
		}
		body := make([]byte, size)
		if _, err := io.ReadFull(c, body); err != nil {
			return
		}
		said := []byte{0x20, 2, 0, 0}
		if kind[0]>>4 != 1 {
			said = m.answer(kind[0]>>4, body)
		}
		if _, err := c.Write(said); err != nil {
			return
		}
	}
}

func suback(body []byte) []byte { return []byte{0x90, 3, body[0], body[1], 1} }

func pipeAt(url string) *broker.Pipe {
	return &broker.Pipe{
		Route: broker.Route{URL: url, Patience: time.Minute}, Terminal: "pos-1", Message: 32 << 10, Resend: time.Hour,
		Believe: func([]*x509.Certificate, broker.Question) error { return errors.New("nobody is believed here") },
	}
}

// soon fails where something hangs; the time is far from what it takes.
func soon[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(30 * time.Second):
		t.Fatalf("%s hangs", what)
		panic("unreachable")
	}
}

// A broker that never answers a subscription holds up neither the question past its
// own time, nor Close; and by itself it ends.
func TestAMissingSubackHoldsNobodyUp(t *testing.T) {
	m := newMute(t, func(byte, []byte) []byte { return nil })
	p := pipeAt(m.URL)
	asked := make(chan error, 2)
	ask := func(ctx context.Context) {
		_, err := p.Ask(ctx, broker.Question{Method: "GET", Path: "/v1/time"}, false)
		asked <- err
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	go ask(ctx)
	if err := soon(t, "the question", asked); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the question: %v", err)
	}
	go ask(t.Context()) // joins the attempt that is under way
	closed := make(chan struct{})
	go func() { p.Close(); close(closed) }()
	soon(t, "Close", closed)
	if err := soon(t, "the second question", asked); !errors.Is(err, broker.ErrClosed) {
		t.Errorf("the second question: %v", err)
	}
	m.mu.Lock()
	if m.conns > 1 {
		t.Errorf("%d connections for one pipe", m.conns)
	}
	m.mu.Unlock()
	short := pipeAt(m.URL)
	short.Route.Patience = 300 * time.Millisecond
	p = short
	go ask(t.Context())
	if err := soon(t, "the question without a deadline", asked); err == nil {
		t.Error("a subscription nobody answered was taken for one")
	}
	short.Close()
}

// Close is the end: whoever waits for an answer is told, and nothing is dialled anew.
func TestCloseIsFinal(t *testing.T) {
	published := make(chan struct{}, 8)
	m := newMute(t, func(kind byte, body []byte) []byte {
		switch kind {
		case 8:
			return suback(body)
		case 3:
			published <- struct{}{}
		}
		return nil // no PUBACK
	})
	p := pipeAt(m.URL)
	asked := make(chan error, 1)
	ask := func() {
		_, err := p.Ask(t.Context(), broker.Question{Method: "GET", Path: "/v1/time"}, false)
		asked <- err
	}
	go ask()
	soon(t, "the question", published)
	p.Close()
	if err := soon(t, "who waits", asked); !errors.Is(err, broker.ErrClosed) {
		t.Errorf("who waits: %v", err)
	}
	go ask()
	if err := soon(t, "who asks later", asked); !errors.Is(err, broker.ErrClosed) {
		t.Errorf("who asks later: %v", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.conns != 1 {
		t.Errorf("%d connections", m.conns)
	}
}
