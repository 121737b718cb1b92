package devicesim

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	glueTime  = 30 * time.Millisecond
	fifoBytes = 16 // what a UART takes ahead of the line
	readSize  = 8192
)

// noise is what is wrong with both ways of the line; it lives as long as it is in force, over every plug.
type noise struct {
	text    string
	struck  *tally
	mu      sync.Mutex
	in, out *chain
}

func newNoise(n Noise, span func([]byte) int, struck *tally) *noise {
	if len(n.often) == 0 {
		return nil
	}
	in, out := newChain(n, wayIn, span), newChain(n, wayOut, span)
	in.struck, out.struck = struck, struck
	return &noise{text: n.text, in: in, out: out, struck: struck}
}

// pass is what the line makes of bytes on one way, and the half frame at their end unless the run of bytes has ended
// there; nil is a quiet line.
func (n *noise) pass(way string, b []byte, ended bool) (made []piece, half []byte) {
	if n == nil {
		return []piece{{bytes: b, travel: len(b)}}, nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if way == wayIn {
		return n.in.pass(b, ended)
	}
	return n.out.pass(b, ended)
}

// glues counts what went out together.
func (n *noise) glues(held, next []byte) {
	if n != nil && len(held) > 0 && len(next) > 0 {
		n.struck.add(noiseGlue)
	}
}

// tty is what a wire needs of one.
type tty interface {
	io.ReadWriteCloser
	SetReadDeadline(time.Time) error
}

// wire is a tty with the speed and the noise of a line; the two ways do not wait for each other. A quiet line without
// a speed is the tty itself. Half a frame is kept here and not with the noise, so that it meets the noise that is in
// force when it goes on, and goes with the plug:
//
//	none -> (the beginning of a frame) held -> (its rest) none
//	held -> (T_gap of silence) none, and passes as bytes that are no frame
type wire struct {
	tty     tty
	noise   *atomic.Pointer[noise]
	inward  pace
	outward pace

	halfIn  []byte      // of a frame of the host; of the goroutine that takes alone
	limited bool        // the tty has a deadline; of Read alone
	halfOut []byte      // of a frame of the reader; of send alone
	came    []byte      // has arrived and was not read yet; of Read alone
	arrived chan []byte // what the speed let through, where there is one

	outbox  chan parcel
	sending sync.Once
	sends   atomic.Bool

	closing sync.Once
	closed  chan struct{}
	err     error // valid once closed is closed
}

// parcel is what was written at one time; gone is closed when the writer may go on.
type parcel struct {
	bytes []byte
	at    time.Time
	echo  bool // of what the host sent: no noise of this way strikes it
	gone  chan struct{}
}

// newWire connects a tty. precise makes the pace wait by the kernel's clock; tests in a bubble have another one.
func newWire(tty tty, baud int, n *atomic.Pointer[noise], precise bool) *wire {
	w := &wire{
		tty: tty, noise: n, arrived: make(chan []byte, 64), outbox: make(chan parcel, 4), closed: make(chan struct{}),
	}
	w.inward = pace{baud: baud, now: time.Now, sleep: w.sleep}
	if precise {
		w.inward.sleep = w.nap
	}
	w.outward = w.inward
	if baud > 0 {
		w.receiveAtSpeed()
	}
	return w
}

// sleep ends early when the line is closed.
func (w *wire) sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.closed:
	}
}

// Close frees everybody who reads or writes.
func (w *wire) Close() error { return w.end(os.ErrClosed) }

func (w *wire) end(cause error) (err error) {
	w.closing.Do(func() {
		w.err = cause
		close(w.closed)
		err = w.tty.Close()
	})
	return err
}

// Read returns what the noise left of what the host sent, when it has arrived.
func (w *wire) Read(b []byte) (int, error) {
	for len(w.came) == 0 {
		if w.inward.baud > 0 {
			select {
			case w.came = <-w.arrived:
				continue
			case <-w.closed:
				return 0, w.err
			}
		}
		if err := w.limitRead(); err != nil {
			return 0, err
		}
		n, err := w.tty.Read(b)
		silence := errors.Is(err, os.ErrDeadlineExceeded)
		if err != nil && !silence || w.noise.Load() == nil && len(w.halfIn) == 0 {
			return n, err
		}
		if err := w.take(b[:n], time.Time{}, silence, func(b []byte) { w.came = append(w.came, b...) }); err != nil {
			return 0, err
		}
	}
	n := copy(b, w.came)
	w.came = w.came[n:]
	return n, nil
}

// limitRead gives the rest of half a frame T_gap to come, and the beginning of one all the time.
func (w *wire) limitRead() error {
	was := w.limited
	if w.limited = len(w.halfIn) > 0; w.limited {
		return w.tty.SetReadDeadline(time.Now().Add(gapTime))
	}
	if was {
		return w.tty.SetReadDeadline(time.Time{})
	}
	return nil
}

// receiveAtSpeed takes bytes off the tty as the host writes them, and lets them arrive at their time.
func (w *wire) receiveAtSpeed() {
	taken := make(chan parcel, 16)
	go func() {
		for {
			b := make([]byte, readSize)
			n, err := w.tty.Read(b)
			if err != nil {
				_ = w.end(err) // Read tells why
				return
			}
			select {
			case taken <- parcel{bytes: b[:n], at: w.inward.now()}:
			case <-w.closed:
				return
			}
		}
	}()
	go w.takeAll(taken)
}

// takeAll ends when the line is closed.
func (w *wire) takeAll(taken <-chan parcel) {
	silence := time.NewTimer(time.Hour)
	defer silence.Stop()
	for {
		if silence.Stop(); len(w.halfIn) > 0 {
			silence.Reset(gapTime)
		}
		var err error
		select {
		case p := <-taken:
			err = w.take(p.bytes, p.at, false, w.hand)
		case <-silence.C:
			err = w.take(nil, w.inward.now(), true, w.hand)
		case <-w.closed:
			return
		}
		if err != nil {
			return // closed
		}
	}
}

func (w *wire) hand(b []byte) {
	select {
	case w.arrived <- bytes.Clone(b):
	case <-w.closed:
	}
}

// take carries bytes from the host through the noise and the line; ended says that they are the last for now.
func (w *wire) take(b []byte, at time.Time, ended bool, hand func([]byte)) error {
	pieces, half := w.noise.Load().pass(wayIn, slices.Concat(w.halfIn, b), ended)
	w.halfIn = half
	for _, p := range pieces {
		at = w.rest(p.pause, at)
		if p.echo != nil {
			if err := w.post(parcel{bytes: p.echo, at: w.outward.now(), echo: true, gone: make(chan struct{})}); err != nil {
				return err
			}
		}
		if err := w.inward.carry(p.travel, at, arrives(p, func(b []byte) error { hand(b); return nil })); err != nil {
			return err
		}
	}
	return nil
}

// rest sleeps for a pause and returns when the bytes behind it are ready: after it, or the speed would make up for it.
func (w *wire) rest(pause time.Duration, ready time.Time) time.Time {
	if pause == 0 {
		return ready
	}
	w.sleep(pause)
	return w.inward.now()
}

// arrives hands on the bytes of a piece as their time on the line passes.
func arrives(p piece, hand func([]byte) error) func(int) error {
	had := 0
	return func(upTo int) error {
		if upTo = min(upTo, len(p.bytes)); upTo == had {
			return nil
		}
		part := p.bytes[had:upTo]
		had = upTo
		return hand(part)
	}
}

// Write sends what the noise leaves, and returns when all but what a UART takes ahead has left; what was lost
// counts as sent.
func (w *wire) Write(b []byte) (int, error) {
	if w.outward.baud == 0 && w.noise.Load() == nil && !w.sends.Load() {
		return w.tty.Write(b)
	}
	p := parcel{bytes: bytes.Clone(b), at: w.outward.now(), gone: make(chan struct{})}
	if err := w.post(p); err != nil {
		return 0, err
	}
	select {
	case <-p.gone:
		return len(b), nil
	case <-w.closed:
		return 0, w.err
	}
}

func (w *wire) post(p parcel) error {
	w.sending.Do(func() {
		w.sends.Store(true)
		go w.send()
	})
	select {
	case w.outbox <- p:
		return nil
	case <-w.closed:
		return w.err
	}
}

// send is the way out. What is glued waits for the next parcel, and half a frame for its rest, but not for long.
func (w *wire) send() {
	var held []byte
	glue, silence := time.NewTimer(time.Hour), time.NewTimer(time.Hour)
	defer glue.Stop()
	defer silence.Stop()
	for {
		if silence.Stop(); len(w.halfOut) > 0 {
			silence.Reset(gapTime)
		}
		var err error
		select {
		case p := <-w.outbox:
			held, err = w.sendParcel(held, p)
			if len(held) > 0 {
				glue.Reset(glueTime)
			}
		case <-silence.C:
			pieces, _ := w.noise.Load().pass(wayOut, w.halfOut, true)
			w.halfOut = nil
			held, err = w.sendPieces(held, pieces, parcel{at: w.outward.now(), gone: make(chan struct{})})
		case <-glue.C:
			_, err = w.tty.Write(held)
			held = nil
		case <-w.closed:
			return
		}
		if err != nil {
			_ = w.end(err) // Write tells why
			return
		}
		if len(held) == 0 {
			glue.Stop()
		}
	}
}

func (w *wire) sendParcel(held []byte, p parcel) ([]byte, error) {
	if p.echo {
		return w.sendPieces(held, []piece{{bytes: p.bytes, travel: len(p.bytes)}}, p)
	}
	pieces, half := w.noise.Load().pass(wayOut, slices.Concat(w.halfOut, p.bytes), false)
	w.halfOut = half
	return w.sendPieces(held, pieces, p)
}

func (w *wire) sendPieces(held []byte, pieces []piece, p parcel) ([]byte, error) {
	left := 0
	noise := w.noise.Load()
	for _, piece := range pieces {
		left += piece.travel
	}
	var free sync.Once
	goOn := func() { free.Do(func() { close(p.gone) }) }
	defer goOn()
	for _, piece := range pieces {
		p.at = w.rest(piece.pause, p.at)
		if piece.glued {
			held = append(held, piece.bytes...)
			continue
		}
		noise.glues(held, piece.bytes)
		piece.bytes = append(held, piece.bytes...)
		left += len(held)
		piece.travel += len(held)
		held = nil
		rest := left - piece.travel
		put := arrives(piece, func(b []byte) error { _, err := w.tty.Write(b); return err })
		if err := w.outward.carry(piece.travel, p.at, func(upTo int) error {
			if rest+piece.travel-upTo <= fifoBytes {
				goOn()
			}
			return put(upTo)
		}); err != nil {
			return nil, err
		}
		left = rest
	}
	return held, nil
}
