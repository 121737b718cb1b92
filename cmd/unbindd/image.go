package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// prSetDumpable is PR_SET_DUMPABLE of prctl(2).
const prSetDumpable = 4

// hide keeps the process's memory to itself: no core dump, and no look into it by
// another process of the same user. Root may look all the same. What the kernel
// refuses is no reason not to run.
func hide() (refused []error) {
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, prSetDumpable, 0, 0, 0, 0, 0); errno != 0 {
		refused = append(refused, fmt.Errorf("cannot make the process undumpable: %w", errno))
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		refused = append(refused, fmt.Errorf("cannot forbid core dumps: %w", err))
	}
	return refused
}

// renew replaces the process's image by a new one, with the same number, the same
// arguments and the same three standard files; Go closes every other descriptor.
// It comes back only when that cannot be done, and then the process should end
// and be started anew.
func renew() error {
	path, err := os.Executable()
	if err == nil {
		err = syscall.Exec(path, os.Args, os.Environ())
	}
	// The program may have been removed with the software; what runs is still there.
	err = errors.Join(err, syscall.Exec("/proc/self/exe", os.Args, os.Environ()))
	return fmt.Errorf("cannot begin the process anew: %w", err)
}
