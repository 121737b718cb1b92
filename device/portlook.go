package device

import (
	"cmp"
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// lookTime is how long opening a line waits for the look through /proc. To ask about a descriptor is to ask the file
// system that its file is on, and one that nobody serves any more, like a FUSE mount whose program died, never answers.
const lookTime = 5 * time.Second

// errUntold says that nobody could tell who else uses the line. It is opened all the same, as where /proc may not be
// read: it is locked, and only a program that locks nothing is not kept out.
var errUntold = errors.New("who else has the line open cannot be told: looking through the processes does not come to an end")

// looking is full while somebody looks. A look that was given up goes on until its file system answers, and there is
// never a second one beside it.
var looking = make(chan struct{}, 1)

// userWithin is user, given up after a while.
func (p procfs) userWithin(limit time.Duration, tty *unix.Stat_t) (pid int, err error) {
	select {
	case looking <- struct{}{}:
	default:
		return 0, errUntold
	}
	want := *tty // whoever asked may have gone on
	found := make(chan int, 1)
	go func() {
		pid := p.user(&want)
		<-looking
		found <- pid
	}()
	given := time.NewTimer(cmp.Or(limit, lookTime))
	defer given.Stop()
	select {
	case pid := <-found:
		return pid, nil
	case <-given.C:
		return 0, errUntold
	}
}
