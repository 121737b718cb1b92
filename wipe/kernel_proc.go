package wipe

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// Holders looks through /proc. A process that ends meanwhile holds nothing.
func (Kernel) Holders(targets ...string) (all []Holding, lost [][]Holding, blind bool, err error) {
	r := newReading()
	pids, err := r.names("/proc")
	if err != nil {
		return nil, nil, false, err
	}
	lost, seen := make([][]Holding, len(targets)), make([]string, len(targets))
	for i, t := range targets {
		seen[i] = asShown(t)
	}
	for _, name := range pids {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		at := "/proc/" + name + "/"
		held, closed := r.held(at)
		blind = blind || closed
		if len(held) == 0 {
			continue // most are the kernel's own threads
		}
		who := Holder{PID: pid, Program: "?", Own: pid == r.self}
		if comm, err := r.file(at + "comm"); err == nil {
			who.Program = string(bytes.TrimSpace(comm))
		}
		for _, h := range held {
			h.PID, h.Program, h.Own = who.PID, who.Program, who.Own
			all = append(all, h.Holding) // it may have another name
			for i := range seen {
				if h.Deleted = namelessBelow(h.shown, seen[i]); h.Deleted {
					lost[i] = append(lost[i], h.Holding)
				}
			}
		}
	}
	return all, lost, blind, nil
}

// asShown is a path as /proc shows what lies there: through no link. The way to a
// root may lead through one; where patterns begin, none is followed.
func asShown(target string) string {
	fixed, rest := filepath.Dir(target), filepath.Base(target)
	for hasPattern(fixed) {
		fixed, rest = filepath.Dir(fixed), filepath.Join(filepath.Base(fixed), rest)
	}
	if dir, err := filepath.EvalSymlinks(fixed); err == nil {
		return filepath.Join(dir, rest)
	}
	return target
}

// seenHolding is a file that a process holds, and its path where it has lost its name.
type seenHolding struct {
	Holding
	shown string
}

// held lists what a process has open and mapped; closed if it may not be asked.
func (r *reading) held(at string) (all []seenHolding, closed bool) {
	files, err1 := r.opens(at)
	maps, err2 := r.mapped(at)
	return append(files, maps...), forbidden(err1) || forbidden(err2)
}

func forbidden(err error) bool { return err == unix.EACCES || err == unix.EPERM }

// opens lists what a process has open.
func (r *reading) opens(at string) (held []seenHolding, err error) {
	fds, err := r.names(at + "fd")
	for _, fd := range fds {
		path := at + "fd/" + fd
		inode, file := fileAt(path)
		if !file {
			continue // a pipe, a socket, a device, or closed meanwhile: nearly all are
		}
		shown, err := os.Readlink(path)
		if err != nil {
			continue
		}
		h := seenHolding{Holding: Holding{Inode: inode, FD: -1, Mount: noMount}}
		if n, err := strconv.Atoi(fd); err == nil {
			h.FD = n
		}
		info, err := r.file(at + "fdinfo/" + fd)
		h.Writes = err != nil || parseAccess(string(info))
		if isNameless(shown) {
			if h.shown = shown; r.sameTree(at) {
				h.Mount = mountOf(string(info))
			}
		}
		held = append(held, h)
	}
	return held, err
}

// sameTree tells whether a process sees the same mounts as this one: the path of
// what it holds means the same thing only then.
func (r *reading) sameTree(at string) bool {
	its, err := os.Readlink(at + "ns/mnt")
	return err == nil && r.tree != "" && its == r.tree
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

// mapped lists what a process has in its memory of files, each once for how it
// has it: a program is there in five pieces.
func (r *reading) mapped(at string) (held []seenHolding, err error) {
	maps, err := r.file(at + "maps")
	last := mapping{}
	for line := range bytes.Lines(maps) {
		if bytes.IndexByte(line, '/') < 0 {
			continue
		}
		m, ok := parseMapping(string(bytes.TrimRight(line, "\n")))
		if !ok || m == last {
			continue
		}
		last = m
		h := seenHolding{Holding: Holding{Holder{Writes: m.shared}, m.Inode, -1, noMount}}
		if isNameless(m.name) {
			h.shown = m.name
		}
		held = append(held, h)
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
