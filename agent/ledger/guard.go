package ledger

import (
	"errors"
	"fmt"
	"runtime/debug"
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

// ofTheMedium makes damage of a sector that cannot be read: to try again helps
// nobody.
func ofTheMedium(err error) error {
	if errors.Is(err, syscall.EIO) && !errors.Is(err, ErrDamaged) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
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
