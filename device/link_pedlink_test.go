package device

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// peer is the reader's end of a line, played by the test. Time inside a synctest bubble costs nothing.
type peer struct {
	t      *testing.T
	conn   net.Conn
	frames chan frame
	raw    chan []byte // the bytes of each read, as sent
}

func newPeer(t *testing.T) (*link, *peer) {
	ours, theirs := net.Pipe()
	l := newLink(newLine(ours, 115200, RetryConfig{}.withDefaults()), rand.Reader)
	p := &peer{t: t, conn: theirs, frames: make(chan frame, 100), raw: make(chan []byte, 100)}
	go l.receive(longestFrame, l.take)
	go p.receive()
	t.Cleanup(func() {
		l.fail(io.ErrClosedPipe)
		_ = theirs.Close() // a pipe has nothing to lose
	})
	return l, p
}

func (p *peer) receive() {
	var d decoder
	buf := make([]byte, longestFrame)
	for {
		n, err := p.conn.Read(buf)
		if err != nil {
			close(p.frames)
			return
		}
		p.raw <- bytes.Clone(buf[:n])
		d.feed(buf[:n])
		for f, v := d.next(); v == whole; f, v = d.next() {
			f.payload = bytes.Clone(f.payload)
			p.frames <- f
		}
	}
}

func (p *peer) expect(typ, seq byte) frame {
	p.t.Helper()
	f, open := <-p.frames
	if !open || f.typ != typ || f.seq != seq {
		p.t.Fatalf("expected frame %02X %d, got %02X %d (open: %v)", typ, seq, f.typ, f.seq, open)
	}
	return f
}

// nothing checks that all is quiet, however long one waits.
func (p *peer) nothing() {
	p.t.Helper()
	synctest.Wait()
	select {
	case f, open := <-p.frames:
		p.t.Fatalf("unexpected frame %02X %d (open: %v)", f.typ, f.seq, open)
	default:
	}
}

func (p *peer) send(f frame) { p.write(mustEncode(p.t, f)) }

func (p *peer) write(b []byte) {
	p.t.Helper()
	if _, err := p.conn.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

type result struct {
	payload []byte
	err     error
}

func call(l *link, payload string) <-chan result {
	done := make(chan result, 1)
	go func() {
		b, err := l.call([]byte(payload), 10*time.Second)
		done <- result{b, err}
	}()
	return done
}

func (r result) is(t *testing.T, want string) {
	t.Helper()
	if r.err != nil || string(r.payload) != want {
		t.Errorf("answer %q, %v", r.payload, r.err)
	}
}

// onLine runs a test with fake time.
func onLine(name string, t *testing.T, f func(t *testing.T, l *link, p *peer)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l, p := newPeer(t)
			f(t, l, p)
		})
	})
}

func TestLinkRules(t *testing.T) {
	onLine("a command is acknowledged and answered", t, func(t *testing.T, l *link, p *peer) {
		for seq := range byte(3) {
			done := call(l, "ask")
			p.expect(typCommand, seq)
			p.send(frame{typ: typAck, seq: seq})
			p.send(frame{typ: typResponse, seq: seq, payload: []byte("answer")})
			(<-done).is(t, "answer")
			p.expect(typAck, seq)
		}
	})
	onLine("a lost acknowledgement brings the same bytes again", t, func(t *testing.T, l *link, p *peer) {
		done := call(l, "ask")
		p.expect(typCommand, 0)
		p.expect(typCommand, 0)
		if first, second := <-p.raw, <-p.raw; !bytes.Equal(first, second) {
			t.Error("the second send differs")
		}
		p.send(frame{typ: typResponse, seq: 0, payload: []byte("answer")})
		(<-done).is(t, "answer")
	})
	onLine("three sends and no more", t, func(t *testing.T, l *link, p *peer) {
		done := call(l, "ask")
		for range 3 {
			p.expect(typCommand, 0)
		}
		if r := <-done; !errors.Is(r.err, ErrTimeout) {
			t.Errorf("error %v", r.err)
		}
		if _, open := <-p.frames; open {
			t.Error("a fourth send")
		}
	})
	onLine("a lost answer is asked for with the same number", t, func(t *testing.T, l *link, p *peer) {
		done := call(l, "ask")
		p.expect(typCommand, 0)
		p.send(frame{typ: typAck, seq: 0})
		p.expect(typCommand, 0)
		p.send(frame{typ: typAck, seq: 0})
		p.send(frame{typ: typResponse, seq: 0, payload: []byte("stored")})
		(<-done).is(t, "stored")
	})
	onLine("a negative acknowledgement brings it again at once", t, func(t *testing.T, l *link, p *peer) {
		done := call(l, "ask")
		p.expect(typCommand, 0)
		before := time.Now()
		p.send(frame{typ: typNak, seq: 7}) // for nobody
		p.nothing()
		p.send(frame{typ: typNak, seq: 0})
		p.expect(typCommand, 0)
		if !time.Now().Equal(before) {
			t.Error("it waited for a timer")
		}
		p.send(frame{typ: typResponse, seq: 0, payload: []byte("answer")})
		(<-done).is(t, "answer")
	})
	onLine("busy gives time, up to the command's limit", t, func(t *testing.T, l *link, p *peer) {
		start := time.Now()
		done := call(l, "ask")
		p.expect(typCommand, 0)
		p.send(frame{typ: typAck, seq: 0})
		p.send(frame{typ: typBusy, seq: 0, arg: 50}) // 5 s
		time.Sleep(7 * time.Second)
		p.nothing()
		p.send(frame{typ: typBusy, seq: 0, arg: 6000}) // 10 min, but the limit is 10 s
		p.expect(typCommand, 0)
		if waited := time.Since(start); waited != 10*time.Second { // of the bubble's clock
			t.Errorf("asked again after %v", waited)
		}
		p.send(frame{typ: typResponse, seq: 0, payload: []byte("answer")})
		(<-done).is(t, "answer")
	})
	onLine("a reset by the reader ends the call as a hang-up", t, func(t *testing.T, l *link, p *peer) {
		done := call(l, "ask")
		p.expect(typCommand, 0)
		p.send(frame{typ: typReset, arg: 1})
		if r := <-done; !errors.Is(r.err, ErrHangup) {
			t.Errorf("error %v", r.err)
		}
	})
	onLine("a closed line is a hang-up and no time-out", t, func(t *testing.T, l *link, p *peer) {
		done := call(l, "ask")
		p.expect(typCommand, 0)
		if err := p.conn.Close(); err != nil {
			t.Fatal(err)
		}
		if r := <-done; !errors.Is(r.err, ErrHangup) || errors.Is(r.err, ErrTimeout) {
			t.Errorf("error %v", r.err)
		}
	})
}

func TestLinkReceiving(t *testing.T) {
	arrivals := func(l *link) *[]string {
		var seen []string
		l.mu.Lock()
		l.arrived = func(_ byte, payload []byte) error { seen = append(seen, string(payload)); return nil }
		l.mu.Unlock()
		return &seen
	}
	onLine("a repeated frame is acknowledged again and dropped", t, func(t *testing.T, l *link, p *peer) {
		seen := arrivals(l)
		for range 2 {
			p.send(frame{typ: typEvent, seq: 0, payload: []byte("event")})
			p.expect(typAck, 0)
			p.nothing()
		}
		if len(*seen) != 1 {
			t.Errorf("arrived %d times", len(*seen))
		}
	})
	onLine("a frame out of turn is left alone", t, func(t *testing.T, l *link, p *peer) {
		seen := arrivals(l)
		p.send(frame{typ: typEvent, seq: 255, payload: []byte("before the first")})
		p.send(frame{typ: typEvent, seq: 1, payload: []byte("the next but one")})
		p.nothing()
		if len(*seen) != 0 {
			t.Errorf("arrived: %q", *seen)
		}
	})
	onLine("only a sound header earns a negative acknowledgement", t, func(t *testing.T, l *link, p *peer) {
		b := mustEncode(t, frame{typ: typEvent, seq: 0, payload: []byte("event")})
		b[headerLen] ^= 1
		p.write(b)
		p.expect(typNak, 0)
		b = mustEncode(t, frame{typ: typEvent, seq: 0, payload: []byte("event")})
		b[2] ^= 1 // header
		p.write(b)
		time.Sleep(time.Second)
		p.nothing()
		p.send(frame{typ: typEvent, seq: 0, payload: []byte("event")})
		p.expect(typAck, 0)
	})
	onLine("silence ends a partial frame", t, func(t *testing.T, l *link, p *peer) {
		p.write(appendHeader(nil, typEvent, 0, 4000))
		p.send(frame{typ: typEvent, seq: 0, payload: []byte("event")})
		p.nothing()
		p.expect(typAck, 0) // after the gap
	})
	onLine("what is not authentic kills the line", t, func(t *testing.T, l *link, p *peer) {
		s, err := newSession(Secret{key: func() *[16]byte { return new([16]byte) }}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		l.secure(s)
		p.send(frame{typ: typEvent, seq: 0, payload: []byte("event without a good MAC")})
		<-l.dead
		if !errors.Is(l.cause, ErrHangup) {
			t.Errorf("cause %v", l.cause)
		}
	})
}

func TestReaderThatReadsNothingDoesNotHoldUs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		l := newLink(newLine(ours, 115200, RetryConfig{}.withDefaults()), rand.Reader)
		if r := <-call(l, "ask"); !errors.Is(r.err, ErrHangup) {
			t.Errorf("error %v", r.err)
		}
		if _, err := theirs.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("the line was not closed: %v", err)
		}
	})
}

func TestLinkReset(t *testing.T) {
	onLine("old frames are ignored until the right answer", t, func(t *testing.T, l *link, p *peer) {
		done := make(chan error, 1)
		go func() { done <- l.reset() }()
		f := p.expect(typReset, 0)
		p.send(frame{typ: typEvent, seq: 0, payload: []byte("stale")})
		p.send(frame{typ: typReset, arg: 1})
		p.send(frame{typ: typResetAck, arg: f.arg + 1})
		p.nothing()
		if len(done) > 0 {
			t.Error("the reset took another's answer")
		}
		p.send(frame{typ: typResetAck, arg: f.arg})
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	onLine("three resets without an answer", t, func(t *testing.T, l *link, p *peer) {
		done := make(chan error, 1)
		go func() { done <- l.reset() }()
		for range 3 {
			p.expect(typReset, 0)
		}
		if err := <-done; !errors.Is(err, ErrTimeout) {
			t.Errorf("error %v", err)
		}
	})
}

// FuzzLink: whatever a reader sends, the link neither panics nor hangs.
func FuzzLink(f *testing.F) {
	for _, b := range golden(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		ours, theirs := net.Pipe()
		l := newLink(newLine(ours, 115200, RetryConfig{}.withDefaults()), rand.Reader)
		drained := make(chan struct{})
		go func() { defer close(drained); _, _ = io.Copy(io.Discard, theirs) }()
		l.take(b)
		l.silence()
		l.fail(io.ErrClosedPipe)
		<-drained
	})
}
