package device

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ccidLink carries commands and answers of serial CCID over one open line, one at a time. It is made for one
// connection and dies with it:
//
//	idle -> asked -> (echo) asked -> (time request, time extension) asked -> idle
//	asked -> (NAK; silence or damage, if the command may be repeated) asked
//	asked -> recalled (silence or damage behind a command for a card, which must not be executed twice: NAK)
//	recalled -> idle (the answer comes again), unheard (it does not)
//	any -> dead (hang-up, three sends without an answer)
//
// bSeq moves with every command, so that a late answer to an earlier one is not taken for that of this one.
type ccidLink struct {
	*line

	mu       sync.Mutex // everything below
	decoder  ccidDecoder
	gap      *time.Timer
	nextSeq  byte
	exchange *ccidExchange
	echoes   bool // what we send comes back: a reader that does so, or a line that is only a loop
	answered bool // somebody is there
}

// ccidExchange is one send on its way to its answer.
type ccidExchange struct {
	sent    []byte
	slot    byte
	seq     byte
	kind    byte // of the answer
	once    bool // it must not be executed twice
	noise   int  // of the decoder when it began
	touched bool // something else than the echo was heard
	answer  chan ccidMessage
	signals chan ccidSignal
}

const ccidSends = 3

// errUnheard says that a command for a card went out and no answer can be had: it may be executed or not.
var errUnheard = errors.New("answer is missing or damaged")

func newCcidLink(on *line) *ccidLink {
	l := &ccidLink{line: on}
	l.gap = time.AfterFunc(time.Hour, l.silence)
	l.gap.Stop()
	return l
}

// take is handed what arrives.
func (l *ccidLink) take(b []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gap.Stop()
	l.decoder.feed(b)
	l.dispatch()
}

// silence ends a partial frame.
func (l *ccidLink) silence() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.decoder.gap()
	l.dispatch()
}

// dispatch handles the frames that are complete; l.mu is held.
func (l *ccidLink) dispatch() {
	for {
		m, s := l.decoder.next()
		if s == ccidNothing {
			break
		}
		l.count(m, s)
		if x := l.exchange; x != nil {
			l.handle(x, m, s)
		}
	}
	if len(l.decoder.buf) > 0 {
		l.gap.Reset(l.retry.Gap + l.bytesTime(20))
	}
}

func (l *ccidLink) count(m ccidMessage, s ccidSignal) {
	switch {
	case s == ccidHasMessage && !m.isFromHost():
		l.tally.framesIn.Add(1)
	case s == ccidDamage:
		l.tally.damaged.Add(1)
	case s == ccidRefusal:
		l.tally.naks.Add(1)
	}
}

func (l *ccidLink) handle(x *ccidExchange, m ccidMessage, s ccidSignal) {
	switch {
	case s == ccidHasMessage && m.isFromHost():
		if bytes.Equal(m.encode(), x.sent) {
			l.echoes = true
		}
		return
	case s == ccidHasMessage && (m.kind != x.kind || m.slot != x.slot || m.seq != x.seq):
		return // a late answer to an earlier command
	case s == ccidHasMessage && m.command() == ccidLater:
		x.signal(ccidPatience)
	case s == ccidHasMessage:
		m.data = bytes.Clone(m.data)
		l.exchange, l.answered = nil, true
		x.answer <- m
	case s == ccidRefusal && !l.isAlone(x):
		return
	case s == ccidRefusal:
		x.signal(s)
		return
	default:
		x.signal(s)
	}
	x.touched = true
}

// isAlone says that nothing else was heard than a refusal, and an echo. Only then is a command not executed that
// must not be executed twice: in what is left of a damaged answer three bytes may look like a refusal.
func (l *ccidLink) isAlone(x *ccidExchange) bool {
	return !x.once || !x.touched && l.decoder.noise == x.noise && len(l.decoder.buf) == 0
}

// signal never waits: when this many lie there, one more tells nothing new.
func (x *ccidExchange) signal(s ccidSignal) {
	select {
	case x.signals <- s:
	default:
	}
}

// ask sends a command and returns its answer; a failure that the reader tells is a ccidFailure. What only changes
// the reader into a state, or nothing, is sent again after silence and damage, and then the line is lost. A block
// for a card is not: errUnheard. longest bounds what the reader may ask for.
func (l *ccidLink) ask(m ccidMessage, patience, longest time.Duration) (ccidMessage, error) {
	limit := time.Now().Add(longest)
	if !l.isAlive() {
		return ccidMessage{}, absent(l.cause)
	}
	m.seq = l.newSeq()
	for n := range ccidSends {
		l.tally.repeat(n)
		answer, err := l.send(m, patience, limit)
		switch {
		case err == nil && answer.command() == ccidFailed:
			return ccidMessage{}, ccidFailure{answer.fields[1], answer.icc()}
		case errors.Is(err, errUnheard) && m.kind == ccidXfrBlock:
			return ccidMessage{}, err
		case errors.Is(err, errUnheard):
			m.seq = l.newSeq()
		case !errors.Is(err, errSendAgain):
			return answer, err
		}
	}
	return ccidMessage{}, l.giveUp()
}

func (l *ccidLink) newSeq() byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.nextSeq++
	return l.nextSeq
}

func (l *ccidLink) giveUp() error {
	l.mu.Lock()
	loop := l.echoes && !l.answered
	l.mu.Unlock()
	err := fmt.Errorf("%w: no answer to %d sends", ErrTimeout, ccidSends)
	if loop {
		err = fmt.Errorf("%w, only their echo", err)
	}
	l.fail(err)
	return err
}

// send is one frame and the wait for what it brings; errSendAgain: the reader did not take it.
func (l *ccidLink) send(m ccidMessage, patience time.Duration, limit time.Time) (ccidMessage, error) {
	x := l.begin(m)
	defer l.end()
	if err := l.write(x.sent); err != nil {
		l.fail(fmt.Errorf("%w: %w", ErrHangup, err))
		return ccidMessage{}, l.cause
	}
	onLine := 2*l.bytesTime(len(x.sent)) + l.bytesTime(ccidLongest)
	answer, err := l.await(x, patience+onLine, limit)
	for range ccidSends - 1 {
		if !x.once || !errors.Is(err, errUnheard) {
			break
		}
		answer, err = l.recall(x, l.retry.Ack+onLine)
	}
	return answer, err
}

// recall says that no answer was understood. A reader then says its last one again, and executes nothing; one that
// knows nothing of this leaves the outcome unknown.
func (l *ccidLink) recall(x *ccidExchange, patience time.Duration) (ccidMessage, error) {
	l.mu.Lock()
	x.touched = true // its refusal of this would not be one of the command
	l.mu.Unlock()
	l.tally.naks.Add(1)
	l.tally.repeats.Add(1)
	if err := l.write([]byte{ccidSync, ccidNak, ccidNakEnd}); err != nil {
		l.fail(fmt.Errorf("%w: %w", ErrHangup, err))
		return ccidMessage{}, l.cause
	}
	return l.await(x, patience, time.Now().Add(ccidBrief))
}

func (l *ccidLink) begin(m ccidMessage) *ccidExchange {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.exchange = &ccidExchange{
		sent: m.encode(), slot: m.slot, seq: m.seq, kind: ccidAnswers[m.kind], once: m.kind == ccidXfrBlock, noise: l.decoder.noise,
		answer: make(chan ccidMessage, 1), signals: make(chan ccidSignal, 16),
	}
	return l.exchange
}

func (l *ccidLink) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.exchange = nil
}

// await waits until the answer is there or the reader is silent for longer than patience. A refusal counts when
// nothing follows it.
func (l *ccidLink) await(x *ccidExchange, patience time.Duration, limit time.Time) (ccidMessage, error) {
	timer := time.NewTimer(min(patience, time.Until(limit)))
	defer timer.Stop()
	refused := false
	for {
		wait := min(patience, time.Until(limit))
		select {
		case answer := <-x.answer:
			return answer, nil
		case s := <-x.signals:
			if s == ccidDamage {
				return l.despite(x)
			}
			if refused = s == ccidRefusal; refused {
				wait = l.retry.Gap + l.bytesTime(20)
			}
		case <-timer.C:
			if !refused {
				return ccidMessage{}, errUnheard
			}
			if l.isRefused(x) {
				return ccidMessage{}, errSendAgain
			}
			refused = false
		case <-l.dead:
			return ccidMessage{}, l.cause
		}
		timer.Reset(wait)
	}
}

func (l *ccidLink) isRefused(x *ccidExchange) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.isAlone(x)
}

// despite looks whether the answer stood behind what was damaged.
func (l *ccidLink) despite(x *ccidExchange) (ccidMessage, error) {
	l.mu.Lock() // what arrived together is told by then
	defer l.mu.Unlock()
	select {
	case answer := <-x.answer:
		return answer, nil
	default:
		return ccidMessage{}, errUnheard
	}
}
