package device

import (
	"io"
	"os"
	"sync"

	"github.com/tarm/serial"
	"golang.org/x/sys/unix"
)

// port is an open serial line on which Close frees a blocked Read or Write and end of file means hang-up.
//
// The serial library alone gives neither: it takes its descriptor out of Go's poller, so that Close waits
// for a Read that may never return. A second ("control") descriptor of the same tty lets us find the
// library's descriptor, make it pollable again, lock the line and see what the driver made of the settings.
type port struct {
	tty    io.ReadWriteCloser
	untold error // who else uses the line could not be told

	mu      sync.Mutex // everything below: a descriptor's number may mean another file once it is closed
	control int        // -1: none
	closed  bool
}

// openPort opens and locks the tty at path and discards what it held.
// It returns ErrBusy, with a name if there is one, if another process has it, and errMode if the tty does not
// take the mode.
func openPort(path string, m mode) (*port, error) {
	library := func(c *serial.Config) (io.ReadWriteCloser, error) { return serial.OpenPort(c) }
	return opening{path: path, mode: m, proc: "/proc", library: library}.port()
}

// Read returns io.EOF, or EIO, only after a hang-up: the line has VMIN=1 and is polled, so silence blocks.
func (p *port) Read(b []byte) (int, error) { return p.tty.Read(b) }

// Write blocks while the other side takes nothing; Close ends it.
func (p *port) Write(b []byte) (int, error) { return p.tty.Write(b) }

// discard throws away what came in and was not read, and what waits to go out. It tells how many bytes came in.
func (p *port) discard() (came int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, os.ErrClosed
	}
	if came, err = unix.IoctlGetInt(p.control, unix.TIOCINQ); err != nil {
		return 0, err
	}
	return came, unix.IoctlSetInt(p.control, unix.TCFLSH, unix.TCIOFLUSH)
}

// Close gives the line back; it never waits for a Read or Write.
func (p *port) Close() (err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	if p.tty != nil {
		err = p.tty.Close()
	}
	if p.control < 0 {
		return err
	}
	// On a line that hung up there is nothing left to release, and the descriptor goes anyway.
	_ = unix.IoctlSetInt(p.control, unix.TIOCNXCL, 0)
	if closed := unix.Close(p.control); err == nil {
		err = closed
	}
	return err
}
