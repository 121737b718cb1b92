package wipe

import (
	"os"

	"golang.org/x/sys/unix"
)

// reading goes through /proc with one buffer and plain calls: an erase does so
// twice, and package os asks the poller about each of thousands of small texts.
type reading struct {
	self int
	tree string // of mounts, this process's
	buf  []byte
}

func newReading() *reading {
	r := &reading{self: os.Getpid(), buf: make([]byte, 32<<10)}
	r.tree, _ = os.Readlink("/proc/self/ns/mnt") // "": nobody can be compared with it
	return r
}

// names lists a folder; what was read before an error is told.
func (r *reading) names(path string) (all []string, err error) {
	fd, err := r.open(path, unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	for {
		var n int
		if err := again(func() (err error) { n, err = unix.ReadDirent(fd, r.buf); return err }); err != nil {
			return all, err
		}
		if n <= 0 {
			return all, nil
		}
		_, _, all = unix.ParseDirent(r.buf[:n], -1, all)
	}
}

// file is the whole text, good until the next one is read.
func (r *reading) file(path string) ([]byte, error) {
	fd, err := r.open(path, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	for done := 0; ; {
		if done == len(r.buf) {
			r.buf = append(r.buf, make([]byte, len(r.buf))...)
		}
		var n int
		if err := again(func() (err error) { n, err = unix.Read(fd, r.buf[done:]); return err }); err != nil {
			return r.buf[:done], err
		}
		if n <= 0 {
			return r.buf[:done], nil
		}
		done += n
	}
}

func (r *reading) open(path string, flags int) (fd int, err error) {
	err = again(func() (err error) { fd, err = unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|flags, 0); return err })
	return fd, err
}
