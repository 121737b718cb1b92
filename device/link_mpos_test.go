package device

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// mposPeer is the reader's end of a line, played by the test. Time inside a synctest bubble costs nothing.
type mposPeer struct {
	t        *testing.T
	conn     net.Conn
	requests chan mposFrame
}

func newMposPeer(t *testing.T) (*line, *mposPeer) {
	ours, theirs := net.Pipe()
	l := newLine(ours, 115200, RetryConfig{}.withDefaults())
	p := &mposPeer{t: t, conn: theirs, requests: make(chan mposFrame, 1000)}
	go p.receive()
	t.Cleanup(func() {
		l.fail(io.ErrClosedPipe)
		_ = theirs.Close() // a pipe has nothing to lose
	})
	return l, p
}

func (p *mposPeer) receive() {
	defer close(p.requests)
	var d mposDecoder
	buf := make([]byte, mposLongest)
	for {
		n, err := p.conn.Read(buf)
		if err != nil {
			return
		}
		d.feed(buf[:n])
		for f, whole := d.next(); whole; f, whole = d.next() {
			f.data = bytes.Clone(f.data)
			p.requests <- f
		}
	}
}

func (p *mposPeer) next() mposFrame {
	p.t.Helper()
	f, open := <-p.requests
	if !open {
		p.t.Fatal("the line was closed")
	}
	return f
}

// nothing checks that all is quiet.
func (p *mposPeer) nothing() {
	p.t.Helper()
	synctest.Wait()
	if len(p.requests) > 0 {
		p.t.Fatalf("unexpected request %+v", <-p.requests)
	}
}

func (p *mposPeer) answer(to mposFrame, data string) {
	p.t.Helper()
	p.write(mustEncodeMpos(p.t, mposFrame{cmd: to.cmd, seq: mposNext(to.seq), data: []byte(data)}))
}

func (p *mposPeer) write(b []byte) {
	p.t.Helper()
	if _, err := p.conn.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

func callMpos(l *mposLink, cmd uint16) <-chan result {
	done := make(chan result, 1)
	go func() {
		code, body, err := l.call(cmd, nil)
		done <- result{append([]byte(code), body...), err}
	}()
	return done
}

// onMposLine runs a test with fake time.
func onMposLine(name string, t *testing.T, f func(t *testing.T, l *mposLink, p *mposPeer)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			on, p := newMposPeer(t)
			l, err := newMposLink(on, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			go on.receive(mposLongest, l.take)
			f(t, l, p)
		})
	})
}

func TestMposRepetition(t *testing.T) {
	onMposLine("silence brings the same request again", t, func(t *testing.T, l *mposLink, p *mposPeer) {
		start := time.Now()
		done := callMpos(l, mposSerial)
		first, second := p.next(), p.next()
		if !sameMpos(first, second) {
			t.Errorf("%+v became %+v", first, second)
		}
		if waited := time.Since(start); waited < 300*time.Millisecond || waited > 310*time.Millisecond { // of the bubble's clock
			t.Errorf("asked again after %v", waited)
		}
		p.answer(first, "00A")
		(<-done).is(t, "00A")
	})
	onMposLine("three sends and no more", t, func(t *testing.T, l *mposLink, p *mposPeer) {
		done := callMpos(l, mposSerial)
		for range 3 {
			p.next()
		}
		if r := <-done; !errors.Is(r.err, ErrTimeout) {
			t.Errorf("error %v", r.err)
		}
		if _, open := <-p.requests; open {
			t.Error("a fourth send")
		}
	})
	onMposLine("a request that came damaged is sent again at once", t, func(t *testing.T, l *mposLink, p *mposPeer) {
		before := time.Now()
		done := callMpos(l, mposSerial)
		first := p.next()
		p.answer(first, mposDamaged)
		if again := p.next(); !sameMpos(again, first) || !time.Now().Equal(before) {
			t.Errorf("%+v became %+v after %v", first, again, time.Since(before))
		}
		p.answer(first, "00A")
		(<-done).is(t, "00A")
		if n := l.tally.stats(); n.NAKs != 1 || n.Repeats != 1 || n.FramesIn != 2 {
			t.Errorf("counted %+v", n)
		}
	})
	onMposLine("a line that damages everything is a time-out", t, func(t *testing.T, l *mposLink, p *mposPeer) {
		done := callMpos(l, mposSerial)
		for range 3 {
			p.answer(p.next(), mposDamaged)
		}
		if r := <-done; !errors.Is(r.err, ErrTimeout) {
			t.Errorf("error %v", r.err)
		}
	})
	onMposLine("a damaged answer is asked for again", t, func(t *testing.T, l *mposLink, p *mposPeer) {
		done := callMpos(l, mposSerial)
		f := p.next()
		b := mustEncodeMpos(t, mposFrame{cmd: f.cmd, seq: f.seq, data: []byte("00A")})
		b[mposHeadLen+2] ^= 1
		p.write(b)
		p.answer(p.next(), "00A")
		(<-done).is(t, "00A")
		if n := l.tally.stats(); n.FramesOut != 2 || n.FramesIn != 1 || n.Repeats != 1 || n.Damaged != 1 {
			t.Errorf("counted %+v", n)
		}
	})
	onMposLine("a hang-up is no time-out", t, func(t *testing.T, l *mposLink, p *mposPeer) {
		done := callMpos(l, mposSerial)
		p.next()
		if err := p.conn.Close(); err != nil {
			t.Fatal(err)
		}
		if r := <-done; !errors.Is(r.err, ErrHangup) || errors.Is(r.err, ErrTimeout) {
			t.Errorf("error %v", r.err)
		}
		if _, _, err := l.call(mposSerial, nil); !errors.Is(err, ErrAbsent) {
			t.Errorf("after it: %v", err)
		}
	})
}

func TestMposNumbers(t *testing.T) {
	onMposLine("an answer has the number of its request or the next", t, func(t *testing.T, l *mposLink, p *mposPeer) {
		for _, further := range []bool{false, true} {
			done := callMpos(l, mposSerial)
			f := p.next()
			seq := f.seq
			if further {
				seq = mposNext(seq)
			}
			p.write(mustEncodeMpos(t, mposFrame{cmd: f.cmd, seq: seq, data: []byte("00A")}))
			(<-done).is(t, "00A")
		}
	})
	onMposLine("no other number, command or form is an answer", t, func(t *testing.T, l *mposLink, p *mposPeer) {
		done := callMpos(l, mposSerial)
		f := p.next()
		after := mposNext(f.seq)
		for _, wrong := range []mposFrame{
			{f.cmd, mposNext(after), []byte("00B")},
			{f.cmd + 1, after, []byte("00B")},
			{f.cmd, after, []byte{1, 2, 3}},
			{f.cmd, after, []byte("0")},
			f, // a line that echoes
		} {
			p.write(mustEncodeMpos(t, wrong))
		}
		p.nothing()
		p.answer(f, "00A")
		(<-done).is(t, "00A")
	})
	onMposLine("a second answer is none to the next request", t, func(t *testing.T, l *mposLink, p *mposPeer) {
		for range 300 { // once round
			done := callMpos(l, mposSerial)
			f := p.next()
			p.answer(f, "00A")
			(<-done).is(t, "00A")
			done = callMpos(l, mposSerial)
			p.answer(f, "00A")
			p.write(mustEncodeMpos(t, mposFrame{cmd: f.cmd, seq: f.seq, data: []byte("00A")}))
			p.answer(p.next(), "00B")
			(<-done).is(t, "00B")
		}
	})
	onMposLine("numbers are 1 to 255", t, func(t *testing.T, l *mposLink, p *mposPeer) {
		seen := map[byte]bool{}
		for range 255 {
			done := callMpos(l, mposSerial)
			f := p.next()
			seen[f.seq] = true
			p.answer(f, "00")
			(<-done).is(t, "00")
		}
		if len(seen) != 255 || seen[0] {
			t.Errorf("%d numbers, 0 among them: %v", len(seen), seen[0])
		}
	})
	t.Run("the first one is drawn", func(t *testing.T) {
		for _, c := range []struct{ drawn, want byte }{{0, 1}, {254, 255}, {255, 1}} {
			l, err := newMposLink(nil, bytes.NewReader([]byte{c.drawn}))
			if err != nil || l.seq != c.want {
				t.Errorf("drawn %d: %+v %v", c.drawn, l, err)
			}
		}
		if _, err := newMposLink(nil, bytes.NewReader(nil)); err == nil {
			t.Error("no random number, and it goes on")
		}
	})
}

func TestMposNoise(t *testing.T) {
	onMposLine("an answer is found behind noise", t, func(t *testing.T, l *mposLink, p *mposPeer) {
		done := callMpos(l, mposSerial)
		f := p.next()
		p.write([]byte{0x15, stx, 0x99, 0xFF, stx})
		p.answer(f, "00A")
		(<-done).is(t, "00A")
	})
	onMposLine("silence ends a partial frame", t, func(t *testing.T, l *mposLink, p *mposPeer) {
		done := callMpos(l, mposSerial)
		f := p.next()
		p.write([]byte{stx, 0x09, 0x99, 0x1A, 0x05, mposSeparator, f.seq}) // a LEN that is never filled
		p.answer(f, "00A")
		(<-done).is(t, "00A")
		p.nothing() // it needed no repetition
	})
	onMposLine("what nobody asked for is dropped", t, func(t *testing.T, l *mposLink, p *mposPeer) {
		p.write(mustEncodeMpos(t, mposFrame{cmd: mposSerial, seq: l.seq, data: []byte("00B")}))
		synctest.Wait()
		done := callMpos(l, mposSerial)
		p.answer(p.next(), "00A")
		(<-done).is(t, "00A")
	})
}

// FuzzMposLink: whatever a reader sends, the link neither panics nor hangs.
func FuzzMposLink(f *testing.F) {
	frame := mustEncodeMpos(f, mposFrame{cmd: mposSerial, seq: 1, data: []byte("000008PED-0001")})
	f.Add(slices.Concat(frame, frame[:5], frame))
	f.Fuzz(func(t *testing.T, b []byte) {
		ours, theirs := net.Pipe()
		l, err := newMposLink(newLine(ours, 115200, RetryConfig{}.withDefaults()), bytes.NewReader([]byte{0}))
		if err != nil {
			t.Fatal(err)
		}
		drained := make(chan struct{})
		go func() { defer close(drained); _, _ = io.Copy(io.Discard, theirs) }()
		l.asking = []*mposExchange{{cmd: mposSerial, seq: 1, answers: make(chan []byte, maxSends)}}
		l.take(b)
		l.silence()
		l.fail(io.ErrClosedPipe)
		<-drained
	})
}
