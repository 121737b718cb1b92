package fleet

import (
	"fmt"
	"syscall"
)

// spare is how many files a process has open beside its connections.
const spare = 256

// Raise lets this process, and every one it starts, have so many connections. It
// fails, and says what is wanting, where the system does not allow it.
func Raise(connections int) error {
	want := uint64(connections + spare)
	var have syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &have); err != nil {
		return fmt.Errorf("cannot ask how many files may be open: %w", err)
	}
	if have.Cur >= want {
		return nil
	}
	next := syscall.Rlimit{Cur: want, Max: max(have.Max, want)}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &next); err != nil {
		return fmt.Errorf("cannot open %d connections: %d files may be open, %d at most, and raising it fails: %w", connections, have.Cur, have.Max, err)
	}
	return nil
}
