package device

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// lock takes the line for this process, or tells who has it.
//
// The lock is flock: unlike TIOCEXCL it also stops a second process of root, and it dies with its process.
// A program that locks nothing takes bytes all the same, so one that has the line open stops us too.
// Where that cannot be told the line is taken, and p says so.
func (o opening) lock(p *port, fd int) error {
	err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return o.busy()
	}
	if err != nil {
		return fmt.Errorf("cannot lock it: %w", err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("cannot stat it: %w", err)
	}
	pid, err := o.proc.userWithin(o.look, &st)
	if p.untold = err; pid > 0 {
		return o.proc.heldBy(pid)
	}
	return nil
}

// busy names who keeps the line, if that can be told: who locked it, or who has it open.
func (o opening) busy() error {
	var st unix.Stat_t
	if unix.Stat(o.path, &st) != nil {
		return ErrBusy // it is gone by now, and with it whoever had it
	}
	if pid := o.proc.locker(&st); pid > 0 {
		return o.proc.heldBy(pid)
	}
	pid, err := o.proc.userWithin(o.look, &st)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBusy, err)
	}
	if pid > 0 {
		return o.proc.heldBy(pid)
	}
	return ErrBusy
}
