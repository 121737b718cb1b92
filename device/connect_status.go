package device

import (
	"errors"
	"fmt"
	"io/fs"
)

func (r *Reader) enter(s State, err error) {
	r.change(func() { r.setState(s, err) })
}

func (r *Reader) establish(chosen candidate, c conversation) {
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
		r.status.Driver, r.status.Baud = chosen.driver.name, chosen.baud
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

// grade tells of a line that got bad, or good again; a reader that is in another state stays in it.
func (r *Reader) grade(complaint string) {
	from, to := StateReady, StateDegraded
	if complaint == "" {
		from, to = to, from
	}
	r.change(func() {
		if r.status.State == from {
			r.setState(to, nil)
			r.status.Err = complaint
		}
	})
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
