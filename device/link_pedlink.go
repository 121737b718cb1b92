package device

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// link carries the payloads of pedlink over one open line: stop and wait, three sends of the same bytes,
// repeated frames acknowledged again and dropped. It is made for one connection and dies with it:
//
//	new -> resetting -> idle <-> exchanging
//	any -> dead (hang-up, three sends without an answer, a reset by the reader, a message that is not authentic)
type link struct {
	*line
	rand io.Reader

	// arrived is called for each new authentic payload before anybody waits for it, in order of arrival.
	arrived func(typ byte, payload []byte) error

	mu        sync.Mutex // everything below
	decoder   decoder
	gap       *time.Timer
	session   *session
	nextOut   byte // SEQ of our next command
	nextIn    byte // SEQ the reader's next frame must have
	heard     bool // something was accepted since the reset, so nextIn-1 is a repetition
	exchange  *exchange
	resetting *resetting
}

// exchange is one command on its way to its response.
type exchange struct {
	seq      byte
	signals  chan frame // ACK, NAK, BUSY
	response chan []byte
}

type resetting struct {
	arg  uint16
	done chan struct{}
}

func newLink(on *line, random io.Reader) *link {
	l := &link{line: on, rand: random}
	l.arrived = func(byte, []byte) error { return nil }
	l.gap = time.AfterFunc(time.Hour, l.silence)
	l.gap.Stop()
	return l
}

func (l *link) take(b []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gap.Stop()
	l.decoder.feed(b)
	l.dispatch()
}

// silence ends a partial frame.
func (l *link) silence() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.decoder.gap()
	l.dispatch()
}

// dispatch handles the frames that are complete; l.mu is held.
func (l *link) dispatch() {
	for {
		f, v := l.decoder.next()
		switch v {
		case incomplete:
			if l.decoder.pending() {
				l.gap.Reset(l.retry.Gap + l.bytesTime(20))
			}
			return
		case spoiled:
			l.tally.damaged.Add(1)
			l.tally.naks.Add(1)
			l.send(frame{typ: typNak, seq: f.seq})
		case whole:
			l.tally.framesIn.Add(1)
			l.handle(f)
		}
	}
}

func (l *link) handle(f frame) {
	switch {
	case l.resetting != nil:
		// Whatever else is still in the pipe belongs to a conversation that is over.
		if f.typ == typResetAck && f.arg == l.resetting.arg {
			close(l.resetting.done)
			l.resetting = nil
		}
	case f.typ == typReset:
		l.fail(fmt.Errorf("%w: reader restarted", ErrHangup))
	case f.typ == typResponse, f.typ == typEvent:
		l.accept(f)
	case f.typ == typAck, f.typ == typNak, f.typ == typBusy:
		l.signal(f)
	}
}

// accept acknowledges a payload and hands it on if it is new. A SEQ that is neither the next nor the last
// one is left alone: its sender will give up and the line is reset.
func (l *link) accept(f frame) {
	if l.heard && f.seq == l.nextIn-1 {
		l.tally.repeats.Add(1)
		l.send(frame{typ: typAck, seq: f.seq})
		return
	}
	if f.seq != l.nextIn {
		return
	}
	l.nextIn++
	l.heard = true
	l.send(frame{typ: typAck, seq: f.seq})
	if err := l.deliver(f); err != nil {
		l.fail(fmt.Errorf("%w: %w", ErrHangup, err))
	}
}

func (l *link) deliver(f frame) error {
	payload := append([]byte(nil), f.payload...) // the decoder needs its buffer again
	if l.session != nil {
		opened, err := l.session.open(f.typ, f.seq, payload)
		if err != nil {
			return err
		}
		payload = opened
	}
	if err := l.arrived(f.typ, payload); err != nil {
		return err
	}
	if f.typ == typResponse && l.exchange != nil {
		select {
		case l.exchange.response <- payload:
		default:
			return fmt.Errorf("%w: second response to one command", errDamaged)
		}
	}
	return nil
}

// signal passes an acknowledgement to the command it is for.
func (l *link) signal(f frame) {
	if l.exchange == nil || l.exchange.seq != f.seq {
		return
	}
	select {
	case l.exchange.signals <- f:
	default: // three sends cannot have more to say; the rest is noise
	}
}

// secure makes every later payload authenticated.
func (l *link) secure(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.session = s
}

// lastHeard is the SEQ of the newest payload.
func (l *link) lastHeard() byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.nextIn - 1
}

// send writes a short frame; a failure has killed the link already.
func (l *link) send(f frame) {
	b, err := f.encode()
	if err == nil {
		err = l.write(b)
	}
	if err != nil {
		l.fail(fmt.Errorf("%w: %w", ErrHangup, err))
	}
}

// reset makes both ends forget the conversation: numbers from 0, no session. Nothing else may be under way.
func (l *link) reset() error {
	var arg [2]byte
	if _, err := io.ReadFull(l.rand, arg[:]); err != nil {
		return fmt.Errorf("cannot reset line: %w", err)
	}
	r := &resetting{arg: binary.BigEndian.Uint16(arg[:]), done: make(chan struct{})}
	l.mu.Lock()
	l.resetting, l.session = r, nil
	l.nextOut, l.nextIn, l.heard = 0, 0, false
	l.mu.Unlock()
	for n := range maxSends {
		l.tally.repeat(n)
		l.send(frame{typ: typReset, arg: r.arg})
		select {
		case <-r.done:
			return nil
		case <-l.dead:
			return l.cause
		case <-time.After(l.retry.Ack + l.bytesTime(2*headerLen)):
		}
	}
	l.fail(ErrTimeout)
	return fmt.Errorf("cannot reset line: %w", ErrTimeout)
}

var errSendAgain = errors.New("send again")
