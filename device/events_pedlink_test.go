package device

import (
	"encoding/binary"
	"errors"
	"math"
	"testing"
	"time"
)

// answer acknowledges the next command and answers it with status 0 and these fields.
func (p *peer) answer(seq byte, body []byte) {
	p.t.Helper()
	f := p.expect(typCommand, seq)
	p.send(frame{typ: typAck, seq: seq})
	payload := append([]byte{f.payload[0], f.payload[1], 0, 0}, body...)
	p.send(frame{typ: typResponse, seq: seq, payload: payload})
	p.expect(typAck, seq)
}

func backlogField(first, last, lost uint32) []byte {
	b := binary.BigEndian.AppendUint32(nil, first)
	b = binary.BigEndian.AppendUint32(b, last)
	return appendField(nil, tagBacklog, binary.BigEndian.AppendUint32(b, lost))
}

// following begins a flow of the events 5 to 9.
func following(t *testing.T, l *link, p *peer) *flow {
	t.Helper()
	c := newPedlink(l)
	var f *flow
	done := make(chan error, 1)
	go func() {
		var err error
		f, _, err = c.follow(t.Context(), 4)
		done <- err
	}()
	p.answer(0, backlogField(5, 9, 0))
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return f
}

// event is an event's payload with a body that tells it from others of its number.
func event(seq uint32, body string) []byte {
	b := binary.BigEndian.AppendUint16(nil, EventTransaction)
	return appendField(binary.BigEndian.AppendUint32(b, seq), tagTransaction, []byte(body))
}

func TestBadEventsEndTheLine(t *testing.T) {
	for name, bad := range map[string][]byte{
		"one is left out":            event(7, "{}"),
		"repeated":                   event(5, "one"),
		"repeated with another body": event(5, "two"),
		"going backwards":            event(3, "{}"),
		"the number of another age":  event(0xFFFFFFFF, "{}"),
		"without a number":           {0, 1, 0},
	} {
		onLine(name, t, func(t *testing.T, l *link, p *peer) {
			f := following(t, l, p)
			p.send(frame{typ: typEvent, seq: 1, payload: event(5, "one")})
			p.expect(typAck, 1)
			p.send(frame{typ: typEvent, seq: 2, payload: bad})
			<-l.dead
			if !errors.Is(l.cause, ErrHangup) || !errors.Is(l.cause, errDamaged) {
				t.Errorf("cause %v", l.cause)
			}
			// What came whole and in its turn is still handed over; the rest comes again on another line.
			if e, err := f.wait(t.Context(), nil); err != nil || e.Seq != 5 || string(e.Body) != "one" {
				t.Errorf("event %d %q, %v", e.Seq, e.Body, err)
			}
			if e, err := f.wait(t.Context(), nil); !errors.Is(err, ErrHangup) {
				t.Errorf("event %d, %v", e.Seq, err)
			}
		})
	}
}

// TestEventThatCannotBeReadIsHandedOn: if it ended the line it would come again on the next one, and nothing behind it
// ever would.
func TestEventThatCannotBeReadIsHandedOn(t *testing.T) {
	for name, odd := range map[string][]byte{
		"a field that is cut":          append(event(6, "{}"), 0x0B),
		"two bodies":                   appendField(event(6, "one"), tagTransaction, []byte("two")),
		"a body longer than the frame": append(event(6, "")[:6], tagTransaction, 0xFF, 0xFF, 1),
	} {
		onLine(name, t, func(t *testing.T, l *link, p *peer) {
			f := following(t, l, p)
			for i, payload := range [][]byte{event(5, "one"), odd, event(7, "three")} {
				p.send(frame{typ: typEvent, seq: byte(1 + i), payload: payload})
				p.expect(typAck, byte(1+i))
			}
			for i, body := range []string{"one", "", "three"} {
				e, err := f.wait(t.Context(), nil)
				if err != nil || e.Seq != uint32(5+i) || string(e.Body) != body {
					t.Errorf("event %d %q, %v", e.Seq, e.Body, err)
				}
			}
		})
	}
}

func TestFlowThatIsOverFreesWhoWaits(t *testing.T) {
	f := &flow{events: make(chan Event), over: make(chan struct{})}
	waiting := make(chan error, 1)
	go func() { _, err := f.wait(t.Context(), nil); waiting <- err }()
	close(f.over)
	if err := <-waiting; !errors.Is(err, ErrHangup) {
		t.Errorf("error %v", err)
	}
}

// A reader that announces an event and sends none loses its line: nobody waits for ever, and nothing is given up blindly.
func TestEventThatIsWithheldLosesTheLine(t *testing.T) {
	onLine("announced, and silent", t, func(t *testing.T, l *link, p *peer) {
		f := following(t, l, p)
		f.patience = time.Millisecond
		if left := f.owed.Load(); left <= 0 {
			t.Fatalf("%d events are owed", left)
		}
		if _, err := f.wait(t.Context(), nil); !errors.Is(err, ErrTimeout) {
			t.Errorf("error %v", err)
		}
		if l.isAlive() {
			t.Error("the line is kept")
		}
	})
}

func TestBacklogThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		after uint32
		b     Backlog
		sound bool
	}{
		{0, Backlog{1, 0, 0}, true},
		{0, Backlog{1, 9, 0}, true},
		{4, Backlog{5, 9, 0}, true},
		{4, Backlog{3, 9, 0}, true},
		{4, Backlog{8, 9, 3}, true},
		{9, Backlog{10, 9, 0}, true},
		{0, Backlog{1, math.MaxUint32, 0}, true},
		{0, Backlog{math.MaxUint32, math.MaxUint32, math.MaxUint32 - 1}, true},
		{0, Backlog{0, 9, 0}, false},
		{0, Backlog{11, 9, 10}, false},
		{4, Backlog{8, 9, 2}, false},
		{4, Backlog{5, 9, 1}, false},
	} {
		if err := c.b.sound(c.after); (err == nil) != c.sound {
			t.Errorf("%+v after %d: %v", c.b, c.after, err)
		}
	}
}

func TestOddEventsAreTaken(t *testing.T) {
	onLine("unknown codes, no body, a body of any kind", t, func(t *testing.T, l *link, p *peer) {
		f := following(t, l, p)
		vendor := event(6, "{}")
		binary.BigEndian.PutUint16(vendor, 0x8001)
		for i, payload := range [][]byte{event(5, "\x00\xFF{"), vendor, event(7, "")[:6], appendField(event(8, "{}"), 0x80, []byte("more"))} {
			p.send(frame{typ: typEvent, seq: byte(1 + i), payload: payload})
			p.expect(typAck, byte(1+i))
		}
		for _, want := range []Event{{5, EventTransaction, []byte("\x00\xFF{")}, {6, 0x8001, []byte("{}")}, {7, EventTransaction, nil}, {8, EventTransaction, []byte("{}")}} {
			if e, err := f.wait(t.Context(), nil); err != nil || e.Seq != want.Seq || e.Code != want.Code || string(e.Body) != string(want.Body) {
				t.Errorf("event %+v, %v", e, err)
			}
		}
		if !l.isAlive() {
			t.Error(l.cause)
		}
	})
	onLine("a frame repeated with another body is dropped", t, func(t *testing.T, l *link, p *peer) {
		f := following(t, l, p)
		for _, body := range []string{"one", "two"} {
			p.send(frame{typ: typEvent, seq: 1, payload: event(5, body)})
			p.expect(typAck, 1)
		}
		if e, err := f.wait(t.Context(), nil); err != nil || string(e.Body) != "one" {
			t.Errorf("event %q, %v", e.Body, err)
		}
		if len(f.events) > 0 || !l.isAlive() {
			t.Error("the second one counts")
		}
	})
	onLine("a length over the cap is no frame", t, func(t *testing.T, l *link, p *peer) {
		following(t, l, p)
		p.write(append(appendHeader(nil, typEvent, 1, maxPayload+1), make([]byte, maxPayload+1+trailerLen)...))
		time.Sleep(time.Second)
		p.nothing()
		p.send(frame{typ: typEvent, seq: 1, payload: event(5, "{}")})
		p.expect(typAck, 1)
	})
}

// A reader that is busy for ever holds the host for the bound and three waits for an acknowledgement.
func TestBusyForEverIsBounded(t *testing.T) {
	onLine("busy again and again", t, func(t *testing.T, l *link, p *peer) {
		began := time.Now()
		done := call(l, "ask")
		p.expect(typCommand, 0)
		p.send(frame{typ: typAck, seq: 0})
		again := time.NewTicker(100 * time.Millisecond)
		defer again.Stop()
		busy := mustEncode(t, frame{typ: typBusy, seq: 0, arg: 0xFFFF})
		for {
			select {
			case r := <-done:
				bound := 10*time.Second + 3*l.retry.Ack + time.Second
				if took := time.Since(began); !errors.Is(r.err, ErrTimeout) || took > bound || took < 10*time.Second { // of the bubble's clock
					t.Errorf("error %v after %v", r.err, took)
				}
				if l.isAlive() {
					t.Error("the line is still open")
				}
				return
			case <-again.C:
				_, _ = p.conn.Write(busy) // the line may be gone by now, which the call tells
			}
		}
	})
}

func TestCapabilityBits(t *testing.T) {
	bits := func(n uint32) *fields { return parseFields(appendField32(nil, tagOffers, n)) }
	for name, c := range map[string]struct {
		f    *fields
		want int
	}{
		"none told":    {parseFields(nil), revisionOneBits},
		"none":         {bits(0), 0},
		"all":          {bits(0xFFFFFFFF), len(pedlinkOffers)},
		"only unknown": {bits(0xFF000000), 0},
	} {
		if got := offered(c.f); len(got) != c.want || c.f.err != nil {
			t.Errorf("%s: %v, %v", name, got, c.f.err)
		}
	}
	if got := offered(bits(1<<7 | 1)); len(got) != 2 || got[0] != CanEvents || got[1] != CanSAM {
		t.Errorf("two bits: %v", got)
	}
	if f := parseFields(appendField(nil, tagOffers, []byte{1})); offered(f) != nil || f.err == nil {
		t.Error("a short bitmap is read")
	}
}
