package ledger

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"syscall"
)

// guard runs fn over bytes from the disk. bbolt trusts its pages: a damaged one
// can make it panic, or read outside its map. Both become ErrDamaged here, on
// every platform that turns a bad access into a panic (not 32-bit ARM). What no
// panic stops, checkPages finds before.
func guard(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch p := recover().(type) {
		case nil:
		case interface{ Addr() uintptr }: // a bad access: the runtime's own words for it are of pointers
			err = fmt.Errorf("%w: a page of the file was not there to be read: the medium did not give it, or the file was cut short", ErrDamaged)
		case callerPanic:
			panic(p.value)
		default:
			err = fmt.Errorf("%w: %v", ErrDamaged, p)
		}
	}()
	return fn()
}

// keptNot is what a kernel answers where the medium has not kept what was written: a
// sector that cannot be read, and what a file system finds wrong with its own.
var keptNot = []error{syscall.EIO, syscall.EUCLEAN, syscall.EBADMSG, syscall.ENODATA}

// ofTheMedium makes damage of what the medium has lost, where a file is looked for,
// opened or read: to try again helps nobody. A lock, a sync or a close that fails says
// nothing of what can be read.
func ofTheMedium(err error) error {
	var path *os.PathError
	if errors.Is(err, ErrDamaged) || !errors.As(err, &path) || path.Op == "sync" || path.Op == "close" {
		return err
	}
	if !slices.ContainsFunc(keptNot, func(errno error) bool { return errors.Is(path, errno) }) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

// callerPanic carries a panic of the caller's own function through guard.
type callerPanic struct{ value any }

// outside runs a function of the caller's inside guard, so that its mistakes
// are not taken for damage.
func outside(fn func() error) error {
	defer func() {
		if p := recover(); p != nil {
			panic(callerPanic{p})
		}
	}()
	return fn()
}
