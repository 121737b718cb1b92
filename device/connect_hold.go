package device

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"golang.org/x/sys/unix"
)

// lookEvery is how often the path of the line is looked at.
const lookEvery = 250 * time.Millisecond

// hold keeps the connection until it is lost, and asks a quiet reader whether it still lives. When the path
// leads to another line by now, the one that is open is not the reader's any more.
func (r *Reader) hold(c conversation) error {
	l := c.on()
	alive := time.NewTicker(r.options.Retry.KeepAlive)
	defer alive.Stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	q := quality{before: r.Stats()}
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
			if nodeOf(r.config.Path) != r.seen.node {
				l.fail(fmt.Errorf("%w: %s leads elsewhere now", ErrHangup, r.config.Path))
			}
			if complaint, changed := q.judge(r.Stats()); changed {
				r.grade(complaint)
			}
		}
	}
}

// rest waits before the next attempt, with a fifth of chance so that many terminals do not step together. It
// returns the pause after the next attempt: twice this one, or 0 to begin anew because the line's node changed.
func (r *Reader) rest(pause time.Duration) time.Duration {
	timer := time.NewTimer(pause*4/5 + rand.N(pause*2/5+1))
	defer timer.Stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	next := min(2*pause, r.options.Retry.BackoffMax)
	was := appearanceOf(r.config.Path)
	for changed := was != r.seen; ; {
		select {
		case <-timer.C:
			return next
		case <-r.hurry:
			return next
		case <-r.closing:
			return next
		case <-look.C:
			if changed || appearanceOf(r.config.Path) != was {
				return 0
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

// appearance is a node and its age. A line that was plugged in again may have the number of the old one, and then
// only its age tells them apart. A change of its rights changes it too, which costs a rest nothing, but would end a
// connection that holds.
type appearance struct {
	node
	ofNode, ofLink unix.Timespec
}

func appearanceOf(path string) appearance {
	var st unix.Stat_t
	a := appearance{node: nodeOf(path)}
	if unix.Stat(path, &st) == nil {
		a.ofNode = st.Ctim
	}
	if unix.Lstat(path, &st) == nil {
		a.ofLink = st.Ctim
	}
	return a
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
