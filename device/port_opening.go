package device

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/tarm/serial"
	"golang.org/x/sys/unix"
)

// opening is the way to an open port:
//
//	control descriptor -> lock -> library's descriptor -> pollable -> settings read back -> flushed
//
// A tty that can be opened only once has no room for a control descriptor beside the library's. Then the library
// goes first, and the control descriptor is a copy of its own:
//
//	library's descriptor -> copy as control -> lock -> pollable -> settings read back -> flushed
//
// Both ways end in the same port with the same promises; none needs the library's time-outs, whose end looks like a
// hang-up.
type opening struct {
	path    string
	mode    mode
	proc    procfs
	look    time.Duration // for how long to look for who else uses the line; 0: lookTime
	library func(*serial.Config) (io.ReadWriteCloser, error)
}

// openings keeps two openings of this process apart: each looks for "the descriptor that is new".
var openings sync.Mutex

func (o opening) port() (*port, error) {
	openings.Lock()
	defer openings.Unlock()
	p := &port{control: -1}
	err := o.beside(p)
	if errors.Is(err, errOneOpenOnly) {
		p = &port{control: -1}
		err = o.alone(p)
	}
	if err == nil {
		err = o.settle(p)
	}
	if err != nil {
		_ = p.Close() // the reason it is not usable is the one to tell
		return nil, fmt.Errorf("cannot open line %s: %w", o.path, err)
	}
	return p, nil
}

var errOneOpenOnly = errors.New("tty can be opened once only")

// beside opens a control descriptor, and the library's beside it. If there is no room for two, both are closed.
func (o opening) beside(p *port) (err error) {
	if p.control, err = o.openControl(); err != nil {
		return err
	}
	if err := o.lock(p, p.control); err != nil {
		return err
	}
	fd := -1
	p.tty, fd, err = o.openLibrary()
	if errors.Is(err, unix.EBUSY) {
		return errors.Join(errOneOpenOnly, p.Close())
	}
	if err != nil {
		return err
	}
	return makePollable(fd)
}

// alone lets the library open the tty, and copies its descriptor.
func (o opening) alone(p *port) (err error) {
	fd := -1
	p.tty, fd, err = o.openLibrary()
	if errors.Is(err, unix.EBUSY) {
		return o.busy()
	}
	if err != nil {
		return err
	}
	if p.control, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0); err != nil {
		return fmt.Errorf("cannot copy the descriptor: %w", err)
	}
	if err := o.lock(p, p.control); err != nil {
		return err
	}
	return makePollable(fd)
}

// openControl does not wait for a modem and takes no terminal for the process.
func (o opening) openControl() (int, error) {
	fd, err := unix.Open(o.path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.EBUSY) {
		return -1, o.busy()
	}
	if err != nil {
		return -1, err
	}
	if _, err := unix.IoctlGetTermios(fd, unix.TCGETS); err != nil {
		_ = unix.Close(fd) // nothing was written through it
		return -1, fmt.Errorf("it is no serial line: %w", err)
	}
	return fd, nil
}

// openLibrary opens the tty with the library and finds the descriptor it has now.
func (o opening) openLibrary() (io.ReadWriteCloser, int, error) {
	before, err := o.descriptors()
	if err != nil {
		return nil, -1, err
	}
	config := &serial.Config{Name: o.path, Baud: o.mode.baud, StopBits: serial.Stop1}
	if o.mode.stopBits == 2 {
		config.StopBits = serial.Stop2
	}
	tty, err := o.library(config)
	if err != nil {
		return nil, -1, err
	}
	after, err := o.descriptors()
	fd := -1
	if err == nil {
		fd, err = newOne(before, after)
	}
	if err != nil {
		return tty, -1, fmt.Errorf("cannot find the descriptor: %w", err)
	}
	return tty, fd, nil
}

// makePollable gives a descriptor back to Go's poller, which the library took it from.
func makePollable(fd int) error {
	if err := unix.SetNonblock(fd, true); err != nil {
		return fmt.Errorf("cannot take over the descriptor: %w", err)
	}
	return nil
}

// settle looks at what the driver made of the settings and begins with an empty line.
//
// The exclusive flag is set for programs that lock nothing, and never believed: on a pseudo-terminal that somebody
// else holds open it outlives a killed process and would lock us out of our own line.
func (o opening) settle(p *port) error {
	if err := unix.IoctlSetInt(p.control, unix.TIOCEXCL, 0); err != nil {
		return fmt.Errorf("cannot make it exclusive: %w", err)
	}
	if err := checkMode(p.control, o.mode); err != nil {
		return err
	}
	if _, err := p.discard(); err != nil {
		return fmt.Errorf("cannot flush: %w", err)
	}
	return nil
}

// descriptors lists this process's descriptors of the tty, by device number and never by path: links move and
// names are given again.
func (o opening) descriptors() (map[int]bool, error) {
	var want unix.Stat_t
	if err := unix.Stat(o.path, &want); err != nil {
		return nil, &os.PathError{Op: "stat", Path: o.path, Err: err}
	}
	same := make(map[int]bool)
	for _, n := range o.proc.ownDescriptors() {
		var st unix.Stat_t
		// A descriptor may be gone by now; then it is not ours to look at.
		if unix.Fstat(n, &st) == nil && sameTTY(&st, &want) {
			same[n] = true
		}
	}
	return same, nil
}

func newOne(before, after map[int]bool) (int, error) {
	found := -1
	for fd := range after {
		if before[fd] {
			continue
		}
		if found >= 0 {
			return 0, fmt.Errorf("descriptors %d and %d are both new", found, fd)
		}
		found = fd
	}
	if found < 0 {
		return 0, errors.New("there is no new one")
	}
	return found, nil
}

// mostDescriptors is how many numbers are tried where the kernel does not list them.
const mostDescriptors = 1 << 16

// ownDescriptors lists the numbers of this process's open descriptors or, where they cannot be read, every number
// that one may have.
func (p procfs) ownDescriptors() []int {
	entries, err := os.ReadDir(filepath.Join(string(p), "self", "fd"))
	var numbers []int
	if err != nil {
		for n := range maxDescriptor() {
			numbers = append(numbers, n)
		}
		return numbers
	}
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

func maxDescriptor() int {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil || limit.Cur > mostDescriptors {
		return mostDescriptors
	}
	return int(limit.Cur)
}
