package transport_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"unbindd/transport"
	"unbindd/transport/broker"
	"unbindd/transport/transporttest"
)

// brief is a context for what must not succeed.
func brief(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

// A broker that may not be read from is told, although its library calls the
// refusal a success.
func TestARefusedSubscriptionIsNoticed(t *testing.T) {
	for _, end := range []string{"/down", "/bell"} {
		t.Run(end, func(t *testing.T) {
			b := transporttest.NewBroker(t, transporttest.Now())
			b.Refuse(func(topic string) bool { return strings.HasSuffix(topic, end) })
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			_, err := b.Link(t, nil).Put(ctx, manifest, []byte(`{}`))
			if err == nil || !strings.Contains(err.Error(), "the broker refuses it") {
				t.Fatalf("got %v", err)
			}
			if b.Held(t, manifest) != nil {
				t.Error("something was asked although no answer could come")
			}
		})
	}
	b := transporttest.NewBroker(t, transporttest.Now())
	b.Refuse(func(topic string) bool { return strings.HasSuffix(topic, "/bell") })
	told := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := transport.Doorbell(ctx, transport.Config{}, transport.MQTTConfig{URL: b.URL}, b.Identity(t, transporttest.Terminal),
		transport.Backoff{Nap: func(ctx context.Context, _ time.Duration) error { cancel(); return context.Cause(ctx) }},
		func() { t.Error("a bell rang that cannot be heard") }, func(err error) { told <- err })
	close(told)
	if why := <-told; err == nil || why == nil || !strings.Contains(why.Error(), "the broker refuses it") {
		t.Errorf("the doorbell: %v, %v", err, why)
	}
}

// What the broker acknowledged and then lost was not delivered; it is sent again
// until the desk answers.
func TestTheBrokersWordIsNoReceipt(t *testing.T) {
	b := transporttest.NewBroker(t, transporttest.Now())
	var lost atomic.Bool
	lost.Store(true)
	b.Lose(func(topic string, _ []byte) bool { return lost.Load() && strings.HasSuffix(topic, "/up") })
	link := b.Link(t, nil)
	if reply, err := link.Put(brief(t), manifest, []byte(`{}`)); err == nil || transport.Permanent(err) || errors.Is(err, transport.ErrNotYet) {
		t.Fatalf("a message that only the broker has was called delivered: %q, %v", reply, err)
	}
	if b.Taken.Load() == 0 {
		t.Fatal("the broker took nothing: the test is about what it took")
	}
	var seen atomic.Int64
	b.Lose(func(topic string, _ []byte) bool { return strings.HasSuffix(topic, "/up") && seen.Add(1) < 3 })
	if _, err := link.Put(t.Context(), manifest, []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	if n := seen.Load(); n != 3 {
		t.Errorf("asked %d times, want until the third got through", n)
	}
}

// message is the first line of a message, for those who read along.
type message struct {
	Cert   [][]byte          `json:"cert,omitempty"`
	Code   int               `json:"code,omitempty"`
	Header map[string]string `json:"header,omitempty"`
	ID     string            `json:"id"`
	Method string            `json:"method,omitempty"`
	Own    []byte            `json:"own,omitempty"`
	Part   int               `json:"part"`
	Parts  int               `json:"parts"`
	Path   string            `json:"path,omitempty"`
	Sig    []byte            `json:"sig,omitempty"`
	V      int               `json:"v"`
}

func open(t *testing.T, payload []byte) (message, []byte) {
	t.Helper()
	first, body, _ := bytes.Cut(payload, []byte("\n"))
	var m message
	if err := json.Unmarshal(first, &m); err != nil {
		t.Error(err)
	}
	return m, body
}

func (m message) with(t *testing.T, body []byte) []byte {
	t.Helper()
	first, err := json.Marshal(m)
	if err != nil {
		t.Error(err)
	}
	return append(append(first, '\n'), body...)
}

// An answer that the desk did not sign for this very question is passed over,
// whoever publishes it first; the desk's own is still heard.
func TestAForgedAnswerIsPassedOver(t *testing.T) {
	for name, forge := range map[string]func(m message, own message) message{
		"unsigned":            func(m, _ message) message { m.Cert, m.Sig = nil, nil; return m },
		"without a signature": func(m, _ message) message { m.Sig = nil; return m },
		"of another question": func(m, _ message) message { return m }, // signed by the desk, for what was asked before
		"another code":        func(m, _ message) message { m.Code = 204; return m },
		"signed by itself":    func(m, own message) message { m.Cert, m.Sig = own.Cert, own.Sig; return m },
	} {
		t.Run(name, func(t *testing.T) {
			b := transporttest.NewBroker(t, transporttest.Now())
			link := b.Link(t, nil)
			var mu sync.Mutex
			var old message
			var oldBody []byte
			b.Watch(t, "t/pos-1/down", func(_ string, p []byte) {
				mu.Lock()
				defer mu.Unlock()
				if old.ID == "" {
					old, oldBody = open(t, p)
				}
			})
			if _, err := link.Put(t.Context(), certificate, []byte(`{"first":1}`)); err != nil {
				t.Fatal(err)
			}
			b.Lose(func(topic string, p []byte) bool {
				if !strings.HasSuffix(topic, "/up") {
					return false
				}
				own, _ := open(t, p)
				mu.Lock()
				m, body := forge(old, own), oldBody
				mu.Unlock()
				m.ID = own.ID
				b.Publish(t, "t/pos-1/down", m.with(t, body))
				return true // and the question never gets to the desk
			})
			reply, err := link.Put(brief(t), manifest, []byte(`{"second":2}`))
			if err == nil || transport.Permanent(err) || !strings.Contains(err.Error(), "cannot believe an answer") {
				t.Fatalf("forged: %q, %v", reply, err)
			}
			b.Lose(nil)
			if _, err := link.Put(t.Context(), manifest, []byte(`{"second":2}`)); err != nil {
				t.Errorf("the desk's own: %v", err)
			}
		})
	}
}

var certificate = transport.Object{Case: "case-1", Kind: "certificate", N: 1}

// A question counts for whose key signed it, on that one's topic, word for word.
func TestAQuestionIsBelievedOnlyFromItsTerminal(t *testing.T) {
	for name, c := range map[string]struct {
		topic string
		bend  func(m *message, body []byte) []byte
	}{
		"on another's topic":     {"t/pos-2/up", func(_ *message, b []byte) []byte { return b }},
		"where nobody is known":  {"r/pos-1/up", func(_ *message, b []byte) []byte { return b }},
		"unsigned":               {"t/pos-1/up", func(m *message, b []byte) []byte { m.Cert, m.Sig = nil, nil; return b }},
		"another body":           {"t/pos-1/up", func(_ *message, _ []byte) []byte { return []byte(`{"other":1}`) }},
		"another path":           {"t/pos-1/up", func(m *message, b []byte) []byte { m.Path += "1"; return b }},
		"another name":           {"t/pos-1/up", func(m *message, b []byte) []byte { m.ID = strings.Repeat("0", 32); return b }},
		"another header":         {"t/pos-1/up", func(m *message, b []byte) []byte { m.Header = map[string]string{"Upload-Offset": "1"}; return b }},
		"a signature of nothing": {"t/pos-1/up", func(m *message, b []byte) []byte { m.Sig = []byte{}; return b }},
	} {
		t.Run(name, func(t *testing.T) {
			b := transporttest.NewBroker(t, transporttest.Now())
			answered := make(chan message, 8)
			b.Watch(t, strings.TrimSuffix(c.topic, "up")+"down", func(_ string, p []byte) {
				if m, _ := open(t, p); m.Code/100 == 2 {
					answered <- m
				}
			})
			sent := make(chan struct{})
			var once sync.Once
			b.Lose(func(topic string, p []byte) bool {
				m, body := open(t, p)
				body = c.bend(&m, body)
				once.Do(func() { b.Publish(t, c.topic, m.with(t, body)); close(sent) })
				return strings.HasSuffix(topic, "/up")
			})
			if _, err := b.Link(t, nil).Put(brief(t), manifest, []byte(`{}`)); err == nil {
				t.Fatal("a question that was bent on its way was answered as it was asked")
			}
			<-sent
			b.Lose(nil)
			// The desk answers in order of arrival: after a sound question of another
			// object it has seen the bent one.
			if _, err := b.Link(t, nil).Put(t.Context(), certificate, []byte(`{}`)); err != nil {
				t.Fatal(err)
			}
			if held := b.Held(t, manifest); held != nil {
				t.Errorf("the desk holds %q", held)
			}
			for len(answered) > 0 {
				if m := <-answered; strings.HasPrefix(c.topic, "t/pos-2") || m.ID == strings.Repeat("0", 32) {
					t.Errorf("it was answered: %+v", m)
				}
			}
		})
	}
}

// Enrolment hands out secrets, and a broker reads along.
func TestNobodyEnrolsOverABroker(t *testing.T) {
	b := transporttest.NewBroker(t, transporttest.Now())
	answers := make(chan int, 8)
	b.Watch(t, "t/pos-1/down", func(_ string, p []byte) { m, _ := open(t, p); answers <- m.Code })
	for i, path := range []string{"/v1/enrol", "/v1/time/../enrol", "/v1/tickets", "/desk/cases"} {
		m := message{ID: strings.Repeat(strconv.Itoa(i), 32), Method: "POST", Path: path, Part: 1, Parts: 1, V: 1}
		b.Publish(t, "t/pos-1/up", m.with(t, []byte(`{}`)))
		if code := <-answers; code/100 == 2 {
			t.Errorf("POST %s over the broker: %d", path, code)
		}
	}
}

// A message that is cut into parts comes together whatever their order, and what
// never becomes whole takes no room for ever.
func TestLongObjectsGoInParts(t *testing.T) {
	b := transporttest.NewBroker(t, transporttest.Now())
	body := append(append([]byte(`{"long":"`), bytes.Repeat([]byte("0123456789"), 20_000)...), `"}`...)
	link := b.Link(t, nil)
	if _, err := link.Put(t.Context(), manifest, body); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Held(t, manifest), body) {
		t.Fatal("the desk holds other bytes")
	}
	b.Offer(t, body)
	if got, _, err := link.Pull(t.Context(), "", 0); err != nil || !bytes.Equal(got, body) {
		t.Fatalf("pulled %d of %d bytes: %v", len(got), len(body), err)
	}
}

func TestTheTimeIsAskedPastTheDatesOverABrokerToo(t *testing.T) {
	born := time.Now().Add(-200 * 24 * time.Hour)
	b := transporttest.NewBroker(t, transporttest.Life{From: born, To: born.Add(time.Hour)})
	if _, err := b.Link(t, nil).Time(t.Context(), []byte(`{"nonce":1}`)); err != nil {
		t.Errorf("time: %v", err)
	}
	if _, err := b.Link(t, nil).Put(brief(t), manifest, []byte(`{}`)); err == nil {
		t.Error("an object went through an expired certificate")
	}
	unpinned := b.Link(t, func(_ *transport.MQTTConfig, id *transport.Identity) { id.Pins = nil })
	if _, err := unpinned.Time(brief(t), []byte(`{"nonce":1}`)); err == nil {
		t.Error("without a pin the dates were passed over")
	}
}

func TestOnlyThePinnedDeskIsBelievedOverABroker(t *testing.T) {
	b, stranger := transporttest.NewBroker(t, transporttest.Now()), transporttest.NewDesk(t, transporttest.Now())
	for name, change := range map[string]func(*transport.Identity){
		"pin of another":  func(id *transport.Identity) { id.Pins = []string{transport.Pin(stranger.CA)} },
		"root of another": func(id *transport.Identity) { id.Roots = stranger.CA.Raw },
	} {
		link := b.Link(t, func(_ *transport.MQTTConfig, id *transport.Identity) { change(id) })
		if _, err := link.Put(brief(t), manifest, []byte(`{}`)); err == nil || !strings.Contains(err.Error(), "cannot trust the desk") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A lost connection is told at once, and the next call makes a new one.
func TestALostBrokerIsToldAndFoundAgain(t *testing.T) {
	b := transporttest.NewBroker(t, transporttest.Now())
	b.Lose(func(topic string, _ []byte) bool {
		if strings.HasSuffix(topic, "/up") {
			b.Cut(t)
			return true
		}
		return false
	})
	link := b.Link(t, nil)
	if _, err := link.Put(t.Context(), manifest, []byte(`{}`)); !errors.Is(err, broker.ErrLost) {
		t.Fatalf("got %v", err)
	}
	b.Lose(nil)
	if _, err := link.Put(t.Context(), manifest, []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
}

func TestBadBrokerSettingsAreRefused(t *testing.T) {
	desk := transporttest.NewDesk(t, transporttest.Now())
	id := desk.Identity(t, transporttest.Terminal)
	for _, m := range []transport.MQTTConfig{
		{URL: ""}, {URL: "tcp://h"}, {URL: "mqtts://"}, {URL: "mqtts://u:p@h"}, {URL: "mqtt://h/path"}, {URL: "mqtt://h", Pins: []string{"md5:0"}},
		{URL: "mqtt://h", Open: "https://h"},
	} {
		if _, err := transport.NewMQTT(transport.Config{URL: desk.URL}, m, id); err == nil {
			t.Errorf("%+v was accepted", m)
		}
	}
}

// A broker that takes the connection and never says a word holds nobody up: the
// question ends with its context, and so does the link.
func TestASilentBrokerHoldsNobodyUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	gone := make(chan error, 8)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, conn) // until the other end is gone
			gone <- conn.Close()
		}
	}()
	b := transporttest.NewBroker(t, transporttest.Now())
	link := b.Link(t, func(m *transport.MQTTConfig, _ *transport.Identity) { m.URL = "mqtt://" + l.Addr().String() })
	done := make(chan error)
	go func() {
		_, err := link.Put(brief(t), manifest, []byte(`{}`))
		done <- errors.Join(err, link.Close())
	}()
	late := time.After(30 * time.Second)
	select {
	case err := <-done:
		if err == nil || transport.Permanent(err) {
			t.Errorf("got %v", err)
		}
	case <-late:
		t.Fatal("it waits for ever")
	}
	select {
	case <-gone:
	case <-late:
		t.Fatal("its connection stays open")
	}
}

// What the desk signed may be the answer of something behind it that cut it: the
// digest it came with counts over a broker, too.
func TestAnAnswerThatWasCutIsNotBelievedOverABroker(t *testing.T) {
	b := transporttest.NewBroker(t, transporttest.Now())
	link := b.Link(t, nil)
	told := http.Header{"Content-Digest": {"sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:"}} // of {}
	for body, ok := range map[string]bool{"{}": true, "{": false, "[]": false} {
		b.Answer(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Digest", told.Get("Content-Digest"))
			_, _ = io.WriteString(w, body)
		})
		got, err := link.Fetch(t.Context(), manifest)
		if (err == nil) != ok || (!ok && got != nil) {
			t.Errorf("%q: %q, %v", body, got, err)
		}
	}
}
