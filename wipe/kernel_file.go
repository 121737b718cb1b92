package wipe

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Flags are a file's attribute flags.
func (Kernel) Flags(fd int) (uint32, error) {
	flags, err := unix.IoctlGetInt(fd, unix.FS_IOC_GETFLAGS)
	return uint32(flags), err
}

// SetFlags sets them; what makes a file unchangeable needs CAP_LINUX_IMMUTABLE.
func (Kernel) SetFlags(fd int, flags uint32) error {
	return unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, int(flags))
}

// Attributes lists the extended attributes.
func (Kernel) Attributes(fd int) ([]string, error) {
	list := func(to []byte) (int, error) {
		size, err := unix.Flistxattr(fd, to)
		if err == unix.EBADF {
			size, err = unix.Listxattr(named(fd), to)
		}
		return size, err
	}
	size, err := list(nil)
	if err != nil || size == 0 {
		return nil, err
	}
	names := make([]byte, size)
	if size, err = list(names); err != nil {
		return nil, err
	}
	var all []string
	for _, name := range bytes.Split(names[:size], []byte{0}) {
		if len(name) > 0 {
			all = append(all, string(name))
		}
	}
	return all, nil
}

// AttributeSize is the length of one's value.
func (Kernel) AttributeSize(fd int, name string) (int, error) {
	size, err := unix.Fgetxattr(fd, name, nil)
	if err == unix.EBADF {
		size, err = unix.Getxattr(named(fd), name, nil)
	}
	return size, err
}

// SetAttribute replaces one.
func (Kernel) SetAttribute(fd int, name string, value []byte) error {
	err := unix.Fsetxattr(fd, name, value, unix.XATTR_REPLACE)
	if err == unix.EBADF {
		err = unix.Setxattr(named(fd), name, value, unix.XATTR_REPLACE)
	}
	return err
}

// RemoveAttribute removes one.
func (Kernel) RemoveAttribute(fd int, name string) error {
	err := unix.Fremovexattr(fd, name)
	if err == unix.EBADF {
		err = unix.Removexattr(named(fd), name)
	}
	return err
}

// named is a path that leads to what OpenName opened and not behind it, even if that
// is a link: what was only named can be asked about by no other.
func named(fd int) string { return fmt.Sprintf("/proc/self/fd/%d", fd) }

// Mount reads the mount's number from where every kernel since 3.15 tells it.
func (Kernel) Mount(fd int) (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
	if err != nil {
		return 0, asErrno(err)
	}
	id, ok := infoField(string(text), "mnt_id")
	if !ok {
		return 0, unix.ENOSYS
	}
	n, err := strconv.Atoi(id)
	return n, err
}

// infoField finds a field of a text under /proc: "name:", blanks, value.
func infoField(text, name string) (string, bool) {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value), true
		}
	}
	return "", false
}

// Mounts is /proc/self/mountinfo.
func (Kernel) Mounts() ([]byte, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	return text, asErrno(err)
}

// Release is what uname(2) says.
func (Kernel) Release() (string, error) {
	var name unix.Utsname
	err := unix.Uname(&name)
	return unix.ByteSliceToString(name.Release[:]), err
}

// Admin asks for the effective capabilities.
func (Kernel) Admin() (bool, error) {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	err := unix.Capget(&head, &data[0])
	return data[0].Effective&(1<<unix.CAP_SYS_ADMIN) != 0, err
}

// asErrno takes the path off an error: it is the kernel's own, and callers
// decide by the number alone.
func asErrno(err error) error {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}
