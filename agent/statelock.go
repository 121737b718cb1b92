package agent

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"unbindd/agent/journal"
)

// A state directory belongs to one process at a time, in every mode: the lock of the
// journal is of no use where there is no journal yet, or none any more. Without this
// one a terminal could be bound on the disk beside a daemon that goes on unbound. The
// lock is the kernel's, on the directory itself: it leaves no file behind, and ends
// with the process, however that ends.

// lockPatience is how long a process that is just ending, or being renewed, is waited
// for; the journal waits as long.
const lockPatience = time.Second

// holdState takes the state directory for this process; journal.ErrLocked where
// another has it.
func holdState(root string) (release func() error, err error) {
	d, err := os.Open(root)
	if err != nil {
		return nil, fmt.Errorf("cannot lock the state directory: %w", err)
	}
	for late := time.Now().Add(lockPatience); ; time.Sleep(lockPatience / 20) {
		err = unix.Flock(int(d.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return d.Close, nil
		case errors.Is(err, unix.EINTR):
		case !errors.Is(err, unix.EWOULDBLOCK):
			return nil, errors.Join(fmt.Errorf("cannot lock the state directory: %w", err), d.Close())
		case !time.Now().Before(late):
			return nil, errors.Join(fmt.Errorf("cannot lock the state directory: %w", journal.ErrLocked), d.Close())
		}
	}
}
