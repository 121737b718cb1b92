package wipe

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Swaps lists the files, not the devices, that are swap and in use.
func (Kernel) Swaps() (all []Inode, err error) {
	text, err := os.ReadFile("/proc/swaps")
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil // a kernel without
	}
	for _, path := range swapFiles(string(text)) {
		if of, file := fileAt(path); file {
			all = append(all, of)
		}
	}
	return all, asErrno(err)
}

// swapFiles reads /proc/swaps: a heading, then path, kind and more, a line each.
func swapFiles(text string) (paths []string) {
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) > 1 && f[1] == "file" {
			paths = append(paths, unescaped(f[0]))
		}
	}
	return paths
}

// SwapOff names the file by its descriptor, so that no other can be meant.
func (Kernel) SwapOff(fd int) error {
	path, err := unix.BytePtrFromString(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		return err
	}
	return again(func() error {
		if _, _, errno := unix.Syscall(unix.SYS_SWAPOFF, uintptr(unsafe.Pointer(path)), 0, 0); errno != 0 {
			return errno
		}
		return nil
	})
}
