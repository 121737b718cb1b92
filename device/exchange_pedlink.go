package device

import (
	"errors"
	"fmt"
	"time"
)

// call sends a command and returns the payload of its response. longest bounds what BUSY can ask for.
// It runs to its end even if nobody waits any more, since the next command needs a quiet line;
// callers take turns (conn.do). After an error the link is dead.
func (l *link) call(payload []byte, longest time.Duration) ([]byte, error) {
	if !l.isAlive() {
		return nil, absent(l.cause)
	}
	x, raw, err := l.begin(payload)
	if err != nil {
		return nil, err
	}
	defer l.end()
	limit := time.Now().Add(longest)
	for n := range maxSends {
		l.tally.repeat(n)
		if err := l.write(raw); err != nil {
			l.fail(fmt.Errorf("%w: %w", ErrHangup, err))
			return nil, l.cause
		}
		response, err := l.await(x, len(raw), limit)
		if !errors.Is(err, errSendAgain) {
			return response, err
		}
	}
	l.fail(ErrTimeout)
	return nil, fmt.Errorf("%w: no answer to %d sends", ErrTimeout, maxSends)
}

func (l *link) begin(payload []byte) (*exchange, []byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	x := &exchange{seq: l.nextOut, signals: make(chan frame, 16), response: make(chan []byte, 1)}
	if l.session != nil && l.session.isSpent() {
		l.fail(fmt.Errorf("%w: session is used up", ErrHangup))
		return nil, nil, absent(l.cause)
	}
	if l.session != nil {
		payload = l.session.seal(x.seq, payload)
	}
	raw, err := frame{typ: typCommand, seq: x.seq, payload: payload}.encode()
	if err != nil {
		return nil, nil, err
	}
	l.nextOut++
	l.exchange = x
	return x, raw, nil
}

func (l *link) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.exchange = nil
}

// await waits after one send:
//
//	sent -> acknowledged -> answered
//	sent -> (NAK, silence) send again
//	acknowledged -> (BUSY) acknowledged, with more time; (silence) send again, which asks for the same answer
func (l *link) await(x *exchange, sent int, limit time.Time) ([]byte, error) {
	timer := time.NewTimer(l.retry.Ack + 2*l.bytesTime(sent))
	defer timer.Stop()
	for {
		select {
		case response := <-x.response:
			return response, nil
		case f := <-x.signals:
			if f.typ == typNak {
				l.tally.naks.Add(1)
				return nil, errSendAgain
			}
			timer.Reset(l.patience(f, limit))
		case <-timer.C:
			return nil, errSendAgain
		case <-l.dead:
			return nil, l.cause
		}
	}
}

// patience is how long an answer may take after an ACK or BUSY.
func (l *link) patience(f frame, limit time.Time) time.Duration {
	wait := l.retry.Response + l.bytesTime(longestFrame)
	if f.typ == typBusy {
		wait += time.Duration(f.arg) * 100 * time.Millisecond
	}
	return max(0, min(wait, time.Until(limit)))
}
