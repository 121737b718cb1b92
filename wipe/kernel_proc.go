package wipe

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// Holders looks through /proc. A process that ends meanwhile holds nothing.
func (Kernel) Holders(target string) (held []Holding, blind bool, err error) {
	all, err := os.ReadDir("/proc")
	if err != nil {
		return nil, false, asErrno(err)
	}
	// What /proc shows leads through no link; the way to a root may.
	if dir, err := filepath.EvalSymlinks(filepath.Dir(target)); err == nil {
		target = filepath.Join(dir, filepath.Base(target))
	}
	for _, entry := range all {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		at := fmt.Sprintf("/proc/%d/", pid)
		files, err1 := opens(at, target)
		maps, err2 := mapped(at, target)
		blind = blind || errors.Is(err1, fs.ErrPermission) || errors.Is(err2, fs.ErrPermission)
		program := "?"
		if name, err := os.ReadFile(at + "comm"); err == nil {
			program = string(bytes.TrimSpace(name))
		}
		for _, h := range append(files, maps...) {
			h.PID, h.Program, h.Own = pid, program, pid == os.Getpid()
			held = append(held, h)
		}
	}
	return held, blind, nil
}

// opens lists what a process has open.
func opens(at, target string) (held []Holding, err error) {
	fds, err := os.ReadDir(at + "fd")
	for _, fd := range fds {
		inode, file := fileAt(at + "fd/" + fd.Name())
		if !file {
			continue // a pipe, a socket, a device, or closed meanwhile: nearly all are
		}
		shown, err := os.Readlink(at + "fd/" + fd.Name())
		if err != nil {
			continue
		}
		h := Holding{Inode: inode, FD: -1, Mount: noMount}
		if n, err := strconv.Atoi(fd.Name()); err == nil {
			h.FD = n
		}
		info, err := os.ReadFile(at + "fdinfo/" + fd.Name())
		h.Writes = err != nil || parseAccess(string(info))
		if h.Deleted = namelessBelow(shown, target); h.Deleted && sameTree(at) {
			h.Mount = mountOf(string(info))
		}
		held = append(held, h)
	}
	return held, err
}

// sameTree tells whether a process sees the same mounts as this one: the path of
// what it holds means the same thing only then.
func sameTree(at string) bool {
	its, err1 := os.Readlink(at + "ns/mnt")
	own, err2 := os.Readlink("/proc/self/ns/mnt")
	return err1 == nil && err2 == nil && its == own
}

// OpenHeld opens a file through the descriptor of a process; the link under
// /proc leads to the file itself, whatever became of its name. What it leads to
// by now is looked at before it is opened: a device must not be.
func (Kernel) OpenHeld(pid, fd int) (held int, err error) {
	at, err := unix.Open(fmt.Sprintf("/proc/%d/fd/%d", pid, fd), unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(at)
	var st unix.Stat_t
	if err := unix.Fstat(at, &st); err != nil {
		return -1, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return -1, unix.ENXIO
	}
	err = again(func() (err error) {
		held, err = unix.Open(fmt.Sprintf("/proc/self/fd/%d", at), unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
		return err
	})
	return held, err
}

// mapped lists what a process has in its memory of files.
func mapped(at, target string) (held []Holding, err error) {
	maps, err := os.ReadFile(at + "maps")
	for line := range bytes.Lines(maps) {
		if bytes.IndexByte(line, '/') < 0 {
			continue
		}
		if m, ok := parseMapping(string(bytes.TrimRight(line, "\n"))); ok {
			held = append(held, Holding{Holder{Writes: m.shared, Deleted: namelessBelow(m.name, target)}, m.Inode, -1, noMount})
		}
	}
	return held, err
}

// fileAt tells the inode of a regular file. It asks what is known already and no
// server, so that one that does not answer cannot hold an erase up.
func fileAt(path string) (of Inode, file bool) {
	var x unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, unix.AT_STATX_DONT_SYNC, unix.STATX_TYPE|unix.STATX_INO, &x); err == nil {
		return Inode{unix.Mkdev(x.Dev_major, x.Dev_minor), x.Ino}, x.Mode&unix.S_IFMT == unix.S_IFREG
	}
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return Inode{}, false
	}
	return Inode{uint64(st.Dev), st.Ino}, st.Mode&unix.S_IFMT == unix.S_IFREG
}
