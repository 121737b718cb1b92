package programtest

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
)

// ownMounts marks a test program that has its own mounts already, and its children.
const ownMounts = "TEST_OWN_MOUNTS"

// OwnMounts gives a test program mounts that no program beside it sees: it is called
// first in TestMain, and begins the program again, with the same process number, the
// first time. Whoever unshares the mounts of the machine holds a copy of every one for
// as long as he lives; a file system that is unmounted here would live on in the copy,
// and its loop device and the image under it would stay busy. Who is not root may not
// have it, and has no mounts to hide.
func OwnMounts() {
	if os.Geteuid() != 0 || os.Getenv(ownMounts) != "" {
		return
	}
	if err := beginAgain(); err != nil {
		fmt.Fprintln(os.Stderr, "the tests have no mounts of their own:", err)
	}
}

func beginAgain() error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	runtime.LockOSThread() // what is unshared is this thread's, and exec makes it the only one
	defer runtime.UnlockOSThread()
	if err := syscall.Unshare(syscall.CLONE_NEWNS); err != nil {
		return fmt.Errorf("cannot unshare: %w", err)
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("cannot keep mounts to this program: %w", err)
	}
	return syscall.Exec(program, os.Args, append(os.Environ(), ownMounts+"=1"))
}
