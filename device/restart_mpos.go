package device

import (
	"context"
	"fmt"
	"time"
)

// mpos counts no restarts, so the line itself has to show one. A question goes out in one write with the order: a
// reader that restarts loses it with everything else it had heard, one that does not answers it as well.
//
//	ordered -> gone       (no answer to the question behind the order, or a hang-up)
//	ordered -> doubted    (an answer: it may be about to restart) -> gone (a question is not answered)
//	doubted -> not gone   (every question of the watch is answered)
//
// What this cannot show: whether a reader that falls silent has forgotten anything, and whether a line that shows no
// damage swallowed the answer.
const mposWatch = 6 // questions to a reader that answers behind its order, an answer's time apart

// restart orders it and watches the reader go. The line is left alone as long as it is silent, so that the next
// conversation is not begun with the reader as it was before.
func (c *mpos) restart(ctx context.Context) (gone bool, err error) {
	return alone(ctx, c.turn, c.link.line, func() (bool, error) {
		if err := c.sameReader(); err != nil {
			return false, err
		}
		result, answered, err := c.link.callAhead(mposRestart, mposSerial)
		if err != nil {
			return false, err
		}
		c.asked.Store(true)
		if err := mposRefusal(result); err != nil {
			return false, err
		}
		for n := 0; answered && n < mposWatch; n++ {
			c.link.pause()
			if answered, err = c.link.isThere(mposSerial); err != nil {
				return false, err
			}
		}
		if answered {
			return false, fmt.Errorf("%w: it answers on without a pause", ErrNoRestart)
		}
		return true, nil
	})
}

// callAhead is call with a question behind the order, in one write. answered: the question was answered too.
func (l *mposLink) callAhead(cmd, question uint16) (result string, answered bool, err error) {
	damage := l.tally.damaged.Load()
	behind, tail, err := l.begin(question, nil)
	if err != nil {
		return "", false, err
	}
	defer l.end(behind)
	result, _, err = l.callWith(cmd, nil, tail)
	if err != nil {
		return "", false, err
	}
	return result, l.hears(behind, damage), nil
}

// isThere puts a question once. A reader that says anything at all is there.
func (l *mposLink) isThere(question uint16) (bool, error) {
	damage := l.tally.damaged.Load()
	x, raw, err := l.begin(question, nil)
	if err != nil {
		return false, err
	}
	defer l.end(x)
	if !l.isAlive() || l.write(raw) != nil {
		return false, nil // it hung up
	}
	return l.hears(x, damage), nil
}

// pause gives a reader time to go.
func (l *mposLink) pause() {
	timer := time.NewTimer(l.answerTime())
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.dead:
	}
}

// hears waits for an answer twice as long as a reader may take for one. An answer that came damaged is one.
func (l *mposLink) hears(x *mposExchange, damage uint64) bool {
	timer := time.NewTimer(2 * l.answerTime())
	defer timer.Stop()
	select {
	case <-x.answers:
		return true
	case <-l.dead:
		return false
	case <-timer.C:
		return l.tally.damaged.Load() != damage
	}
}
