package device

import (
	"errors"
	"fmt"
	"time"
)

// State is a state of the connection:
//
//	opening -> probing                    protocol or speed are not set and not known
//	opening, probing -> syncing -> identifying -> authenticating -> ready
//	ready <-> degraded                    more than 5 % of the frames are damaged or repeated; all goes on
//	opening, probing -> absent            the line does not exist
//	opening .. authenticating -> lost     held by another process, silent, damaged
//	identifying -> foreign | unpaired     connected, but only Identify works
//	authenticating -> locked              the same, and tried again after a pause
//	ready, degraded, foreign, unpaired, locked -> lost
//	absent, lost -> opening               after a pause that doubles; if the line's node changes, at once and
//	                                      with the first pause again
//	any -> closed
type State string

// The states a Status can tell.
const (
	StateAbsent         State = "absent"
	StateOpening        State = "opening"
	StateProbing        State = "probing"
	StateSyncing        State = "syncing"
	StateIdentifying    State = "identifying"
	StateAuthenticating State = "authenticating"
	StateReady          State = "ready"
	StateDegraded       State = "degraded"
	StateForeign        State = "foreign"
	StateUnpaired       State = "unpaired"
	StateLocked         State = "locked"
	StateLost           State = "lost"
	StateClosed         State = "closed"
)

var errReopened = errors.New("reopened on request")

// run connects, stays with the connection until it is lost, and begins again, until Close.
func (r *Reader) run() {
	defer close(r.stopped)
	pause := r.options.Retry.BackoffFirst
	for !r.isClosing() {
		c, err := r.connect()
		if err == nil {
			began := time.Now()
			err = r.hold(c)
			pause = r.options.Retry.after(time.Since(began), pause)
		}
		r.lost(c, err)
		if errors.Is(err, errReopened) {
			continue
		}
		if pause = r.rest(pause); pause == 0 {
			pause = r.options.Retry.BackoffFirst
		}
	}
	r.enter(StateClosed, nil)
}

// connect goes from opening to a reader that has identified itself.
func (r *Reader) connect() (conversation, error) {
	r.enter(StateOpening, nil)
	r.seen = appearanceOf(r.config.Path)
	chosen, err := r.choose()
	if err != nil {
		return nil, err
	}
	l, _, err := r.openLine(chosen, r.options.Retry)
	if err != nil {
		return nil, err
	}
	c, err := chosen.driver.converse(l, &r.options, func(s State) { r.enter(s, nil) })
	if err != nil {
		r.memory.misses++
		l.fail(fmt.Errorf("%w: %w", ErrHangup, err))
		return nil, err
	}
	r.memory.misses = 0
	r.establish(chosen, c)
	return c, nil
}

// openLine opens the line as a candidate needs it, and makes it known to Close.
func (r *Reader) openLine(c candidate, patience RetryConfig) (*line, *port, error) {
	m := plain(c.baud, c.driver.stopBits)
	p, err := openPort(r.config.Path, m)
	if err != nil {
		return nil, nil, err
	}
	if p.untold != nil {
		r.change(func() { r.status.Err = p.untold.Error() })
	}
	l := newLine(p, c.baud, patience)
	l.bits, l.tally = m.length(), &r.tally
	r.setLine(l)
	return l, p, nil
}

func (r *Reader) isClosing() bool {
	select {
	case <-r.closing:
		return true
	default:
		return false
	}
}

// setLine makes the line known to Close, which may have come in between.
func (r *Reader) setLine(l *line) {
	r.mu.Lock()
	r.line = l
	closed := r.closed
	r.mu.Unlock()
	if closed {
		l.fail(fmt.Errorf("%w: %w", ErrHangup, ErrClosed))
	}
}
