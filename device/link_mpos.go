package device

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// mposLink carries requests and answers of mpos over one open line, one at a time. The answer is the only
// acknowledgement; a reader that gets the same bytes again sends its stored answer and executes nothing.
// It is made for one connection and dies with it:
//
//	idle -> asking -> idle      (an answer to this request)
//	asking -> asking            (silence, or result 06: the same bytes again)
//	asking -> dead              (three sends in vain)
//	any -> dead                 (hang-up)
type mposLink struct {
	*line

	mu      sync.Mutex // everything below
	decoder mposDecoder
	gap     *time.Timer
	seq     byte // of the next request
	asking  []*mposExchange
}

// mposExchange is one request on its way to its answer.
type mposExchange struct {
	cmd     uint16
	seq     byte
	answers chan []byte // result and body
}

// newMposLink begins at a random number, so that the first request is hardly ever the repetition of one that the
// reader still remembers.
func newMposLink(on *line, random io.Reader) (*mposLink, error) {
	var first [1]byte
	if _, err := io.ReadFull(random, first[:]); err != nil {
		return nil, fmt.Errorf("cannot begin to speak: %w", err)
	}
	l := &mposLink{line: on, seq: first[0]%255 + 1}
	l.gap = time.AfterFunc(time.Hour, l.silence)
	l.gap.Stop()
	return l, nil
}

// mposNext counts 1 to 255 and round again.
func mposNext(seq byte) byte {
	if seq == 0xFF {
		return 1
	}
	return seq + 1
}

func (l *mposLink) take(b []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gap.Stop()
	l.decoder.feed(b)
	l.dispatch()
}

// silence ends a partial frame.
func (l *mposLink) silence() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.decoder.gap()
	l.dispatch()
}

// dispatch handles the frames that are complete; l.mu is held.
func (l *mposLink) dispatch() {
	for {
		f, whole := l.decoder.next()
		if !whole {
			break
		}
		l.tally.framesIn.Add(1)
		l.handle(f)
	}
	l.tally.damaged.Add(l.decoder.damaged)
	l.decoder.damaged = 0
	if l.decoder.pending() {
		l.gap.Reset(l.retry.Gap + l.bytesTime(20))
	}
}

// handle passes an answer to the request it is for. A reader answers with the number of the request or with the one
// after it. Everything else is left alone: the answer to a former request that was sent twice, our own bytes on a line
// that echoes them (they hold no result), noise.
func (l *mposLink) handle(f mposFrame) {
	if len(f.data) < 2 || !isMposResult(f.data[:2]) {
		return
	}
	for _, x := range l.asking {
		if f.cmd != x.cmd || (f.seq != x.seq && f.seq != mposNext(x.seq)) {
			continue
		}
		select {
		case x.answers <- bytes.Clone(f.data): // the decoder needs its buffer again
		default: // three sends cannot have more answers; the rest is noise
		}
	}
}

// call sends a request and returns the result and the body of its answer. It runs to its end even if nobody waits any
// more, since the next request needs a quiet line; callers take turns. After an error the link is dead.
func (l *mposLink) call(cmd uint16, data []byte) (result string, body []byte, err error) {
	return l.callWith(cmd, data, nil)
}

// callWith is call with more bytes behind the request, in the same write.
func (l *mposLink) callWith(cmd uint16, data, tail []byte) (result string, body []byte, err error) {
	if !l.isAlive() {
		return "", nil, absent(l.cause)
	}
	x, raw, err := l.begin(cmd, data)
	if err != nil {
		return "", nil, err
	}
	defer l.end(x)
	raw = append(raw, tail...)
	for n := range maxSends {
		l.tally.repeat(n)
		if err := l.write(raw); err != nil {
			l.fail(fmt.Errorf("%w: %w", ErrHangup, err))
			return "", nil, l.cause
		}
		answer, err := l.await(x, l.answerTime()+2*l.bytesTime(len(raw)))
		if err == nil {
			return string(answer[:2]), answer[2:], nil
		}
		if !errors.Is(err, errSendAgain) {
			return "", nil, err
		}
	}
	l.fail(ErrTimeout)
	return "", nil, fmt.Errorf("%w: no sound answer to %d sends", ErrTimeout, maxSends)
}

// begin takes a number. The answers to one request can have two numbers, so the next request goes two further: else a
// late second answer to this one would pass for the first to the next.
func (l *mposLink) begin(cmd uint16, data []byte) (*mposExchange, []byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	x := &mposExchange{cmd: cmd, seq: l.seq, answers: make(chan []byte, maxSends)}
	raw, err := mposFrame{cmd: cmd, seq: x.seq, data: data}.encode()
	if err != nil {
		return nil, nil, err
	}
	l.seq = mposNext(mposNext(l.seq))
	l.asking = append(l.asking, x)
	return x, raw, nil
}

func (l *mposLink) end(x *mposExchange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asking = slices.DeleteFunc(l.asking, func(other *mposExchange) bool { return other == x })
}

func (l *mposLink) await(x *mposExchange, patience time.Duration) ([]byte, error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	var answer []byte
	select {
	case answer = <-x.answers:
	case <-timer.C:
		return nil, errSendAgain
	case <-l.dead:
		select {
		case answer = <-x.answers: // it came before the line went
		default:
			return nil, l.cause
		}
	}
	if string(answer[:2]) == mposDamaged {
		l.tally.naks.Add(1)
		return nil, errSendAgain
	}
	return answer, nil
}

// answerTime is 300 ms, twice the wait for an acknowledgement: here a reader works before it says anything.
func (l *mposLink) answerTime() time.Duration { return 2 * l.retry.Ack }
