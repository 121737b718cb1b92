package wipe

import (
	"fmt"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Requests of ioctl(2) that x/sys does not name (Linux, include/uapi/linux:
// fs.h, f2fs.h, ext4.h). The two for f2fs and the one for ext4 are the same on
// every architecture that this program is built for.
const (
	blkDiscard       = 0x1277
	blkSecureDiscard = 0x127d
	blkZeroOut       = 0x127f
	fitrim           = 0xC0185879
	ext4Checkpoint   = 0x4004662b
	f2fsPin          = 0x4004f50d
	f2fsSecureTrim   = 0x4018f514

	f2fsTrimDiscard = 0x1
	f2fsTrimZeroes  = 0x2
)

// What Checkpoint is told to do with the emptied journal.
const (
	checkpointDiscard = 0x1
	checkpointZeroes  = 0x2
	checkpointDry     = 0x4 // only say whether it could be done
)

func ioctl(fd int, request uintptr, arg unsafe.Pointer) error {
	return again(func() error {
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg)); errno != 0 {
			return errno
		}
		return nil
	})
}

// Lease takes a write lease. Nobody else has the file open then, and who opens
// it waits, up to the kernel's lease-break-time; what the signal of such a one
// would do is the Go runtime's to ignore.
func (Kernel) Lease(fd int) error {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_WRLCK)
	return err
}

// EndLease gives the lease back.
func (Kernel) EndLease(fd int) error {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_UNLCK)
	return err
}

// Pin keeps f2fs from moving the file's blocks.
func (Kernel) Pin(fd int) error {
	on := uint32(1)
	return ioctl(fd, f2fsPin, unsafe.Pointer(&on))
}

// SecureTrim discards the file's blocks through f2fs and has them written with
// zeros. Without the discard it is no more than an overwrite, and an error.
func (Kernel) SecureTrim(fd int) error {
	order := [3]uint64{0, ^uint64(0), f2fsTrimDiscard | f2fsTrimZeroes}
	return ioctl(fd, f2fsSecureTrim, unsafe.Pointer(&order))
}

// OpenBlock finds the node of a block device by its number and opens it past
// the page cache. The node's own number is compared: a name proves nothing.
func (k Kernel) OpenBlock(dev uint64, write bool) (int, error) {
	event, err := k.Fact(dev, "uevent")
	if err != nil {
		return -1, err
	}
	name := deviceName(event)
	if name == "" {
		return -1, unix.ENODEV
	}
	flags := unix.O_RDONLY
	if write {
		flags = unix.O_RDWR
	}
	last := error(unix.ENOENT)
	for _, folder := range []string{"/dev/", "/dev/block/"} {
		fd, err := openat(unix.AT_FDCWD, folder+name, flags|unix.O_DIRECT|unix.O_NONBLOCK)
		if err != nil {
			last = err
			continue
		}
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err == nil && st.Mode&unix.S_IFMT == unix.S_IFBLK && uint64(st.Rdev) == dev {
			return fd, nil
		}
		k.Close(fd)
		last = unix.ENODEV
	}
	return -1, last
}

// Discard tells the device that it may forget a stretch. The caller owns every
// byte of it, or somebody else's data is gone.
func (Kernel) Discard(fd int, offset, length uint64) error {
	stretch := [2]uint64{offset, length}
	return ioctl(fd, blkDiscard, unsafe.Pointer(&stretch))
}

// SecureDiscard tells the device to forget all copies of a stretch.
func (Kernel) SecureDiscard(fd int, offset, length uint64) error {
	stretch := [2]uint64{offset, length}
	return ioctl(fd, blkSecureDiscard, unsafe.Pointer(&stretch))
}

// ZeroOut has the device write zeros over a stretch.
func (Kernel) ZeroOut(fd int, offset, length uint64) error {
	stretch := [2]uint64{offset, length}
	return ioctl(fd, blkZeroOut, unsafe.Pointer(&stretch))
}

// SyncAll flushes the whole file system.
func (Kernel) SyncAll(fd int) error { return again(func() error { return unix.Syncfs(fd) }) }

// Checkpoint has ext4 empty its journal; ENOTTY before Linux 5.14, ENODEV
// without a journal.
func (Kernel) Checkpoint(fd int, flags uint32) error {
	return ioctl(fd, ext4Checkpoint, unsafe.Pointer(&flags))
}

// Trim names the whole device; the file system keeps to its own free space, the
// blocks reserved for root among it.
func (Kernel) Trim(fd int) (uint64, error) {
	stretch := [3]uint64{0, ^uint64(0), 0}
	err := ioctl(fd, fitrim, unsafe.Pointer(&stretch))
	return stretch[1], err
}

// Fact reads a text of sysfs; what a partition does not have itself is its
// disk's.
func (Kernel) Fact(dev uint64, name string) (string, error) {
	at := fmt.Sprintf("/sys/dev/block/%d:%d/", unix.Major(dev), unix.Minor(dev))
	text, err := os.ReadFile(at + name)
	if os.IsNotExist(err) {
		text, err = os.ReadFile(at + "../" + name)
	}
	return strings.TrimSpace(string(text)), asErrno(err)
}
