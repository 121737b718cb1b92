package device

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"time"

	"golang.org/x/sys/unix"
)

// State is a state of the connection:
//
//	opening -> syncing -> identifying -> authenticating -> ready
//	opening -> absent                     the line does not exist
//	opening .. authenticating -> lost     held by another process, silent, damaged
//	identifying -> foreign | unpaired     connected, but only Identify works
//	authenticating -> locked              the same, and tried again after a pause
//	ready, foreign, unpaired, locked -> lost
//	absent, lost -> opening               after a pause that doubles; at once if the line's node changes
//	any -> closed
type State string

// The states a Status can tell.
const (
	StateAbsent         State = "absent"
	StateOpening        State = "opening"
	StateSyncing        State = "syncing"
	StateIdentifying    State = "identifying"
	StateAuthenticating State = "authenticating"
	StateReady          State = "ready"
	StateForeign        State = "foreign"
	StateUnpaired       State = "unpaired"
	StateLocked         State = "locked"
	StateLost           State = "lost"
	StateClosed         State = "closed"
)

// lookEvery is how often the path of the line is looked at.
const lookEvery = 250 * time.Millisecond

var errReopened = errors.New("reopened on request")

// run connects, stays with the connection until it is lost, and begins again, until Close.
func (r *Reader) run() {
	defer close(r.stopped)
	pause := r.options.Retry.BackoffFirst
	for !r.isClosing() {
		c, err := r.connect()
		if err == nil {
			pause = r.options.Retry.BackoffFirst
			err = r.hold(c)
		}
		r.lost(c, err)
		if errors.Is(err, errReopened) {
			continue
		}
		r.rest(pause)
		pause = min(2*pause, r.options.Retry.BackoffMax)
	}
	r.enter(StateClosed, nil)
}

// connect goes from opening to a reader that has identified itself.
func (r *Reader) connect() (conversation, error) {
	r.enter(StateOpening, nil)
	r.node = nodeOf(r.config.Path)
	d, _ := driverNamed(r.config.Driver) // Validate has seen that it is one
	p, err := openPort(r.config.Path, r.config.Baud)
	if err != nil {
		return nil, err
	}
	l := newLine(p, r.config.Baud, r.options.Retry)
	r.setLine(l)
	c, err := d.converse(l, &r.options, func(s State) { r.enter(s, nil) })
	if err != nil {
		l.fail(fmt.Errorf("%w: %w", ErrHangup, err))
		return nil, err
	}
	r.establish(c)
	return c, nil
}

// hold keeps the connection until it is lost, and asks a quiet reader whether it still lives. When the path
// leads to another line by now, the one that is open is not the reader's any more.
func (r *Reader) hold(c conversation) error {
	l := c.on()
	alive := time.NewTicker(r.options.Retry.KeepAlive)
	defer alive.Stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	var enough <-chan time.Time
	if errors.Is(c.limited(), ErrLocked) {
		timer := time.NewTimer(r.options.Retry.Locked)
		defer timer.Stop()
		enough = timer.C
	}
	for {
		select {
		case <-l.dead:
			return l.cause
		case <-enough:
			l.fail(fmt.Errorf("%w: %w", ErrHangup, c.limited()))
		case <-alive.C:
			c.checkAlive()
		case <-look.C:
			if nodeOf(r.config.Path) != r.node {
				l.fail(fmt.Errorf("%w: %s leads elsewhere now", ErrHangup, r.config.Path))
			}
		}
	}
}

// rest waits before the next attempt, with a fifth of chance so that many terminals do not step together.
func (r *Reader) rest(pause time.Duration) {
	timer := time.NewTimer(pause*4/5 + rand.N(pause*2/5+1))
	defer timer.Stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for was := nodeOf(r.config.Path); ; {
		select {
		case <-timer.C:
			return
		case <-r.hurry:
			return
		case <-r.closing:
			return
		case <-look.C:
			if nodeOf(r.config.Path) != was {
				return
			}
		}
	}
}

func (r *Reader) hasten() {
	select {
	case r.hurry <- struct{}{}:
	default:
	}
}

type node struct{ device, inode, rdev uint64 }

// nodeOf tells whether path is the same line as before; the zero node says there is none.
func nodeOf(path string) node {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return node{}
	}
	return node{uint64(st.Dev), st.Ino, uint64(st.Rdev)}
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

func (r *Reader) enter(s State, err error) {
	r.change(func() { r.setState(s, err) })
}

func (r *Reader) establish(c conversation) {
	state, limit := StateReady, c.limited()
	var foreign ErrForeign
	switch {
	case errors.As(limit, &foreign):
		state = StateForeign
	case errors.Is(limit, ErrUnpaired):
		state = StateUnpaired
	case limit != nil:
		state = StateLocked
	}
	r.change(func() {
		r.conn = c
		r.status.Serial = c.who().Serial
		if state == StateReady {
			r.status.Cycles = 0
		}
		r.setState(state, limit)
	})
}

// lost records the end of a connection, or of an attempt that never became one (c is nil).
func (r *Reader) lost(c conversation, err error) {
	if r.isClosing() {
		return
	}
	state := StateLost
	if errors.Is(err, fs.ErrNotExist) {
		state = StateAbsent
	}
	r.change(func() {
		r.line, r.conn = nil, nil
		if c == nil || errors.Is(err, ErrLocked) {
			r.failures++
			r.status.Cycles++
			r.failure = absent(err)
		}
		r.setState(state, err)
	})
}

// absent says that nothing was sent, whatever the attempt or the line itself died of.
func absent(cause error) error {
	if errors.Is(cause, ErrBusy) || errors.Is(cause, ErrLocked) || errors.Is(cause, ErrClosed) {
		return cause
	}
	return fmt.Errorf("%w: %v", ErrAbsent, cause)
}

func (r *Reader) setState(s State, err error) {
	r.status.State = s
	r.status.Since = r.options.Now()
	r.status.Err = ""
	if err != nil {
		r.status.Err = err.Error()
	}
}

// change is the only way to a new status: it wakes who waits and tells Notify.
func (r *Reader) change(f func()) {
	r.mu.Lock()
	f()
	close(r.changed)
	r.changed = make(chan struct{})
	status := r.status
	r.mu.Unlock()
	r.options.Notify(status)
}
