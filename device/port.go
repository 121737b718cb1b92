package device

import (
	"fmt"
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
	tty     *serial.Port
	control int
	closing sync.Once
}

// openPort opens and locks the tty at path, 8N1, and discards what it held.
// It returns ErrBusy if another process has it.
func openPort(path string, baud int) (*port, error) {
	control, err := openControl(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open line: %w", err)
	}
	p := &port{control: control}
	if err := p.open(path, baud); err != nil {
		_ = p.Close() // the reason it is not usable is the one to tell
		return nil, fmt.Errorf("cannot open line %s: %w", path, err)
	}
	return p, nil
}

func (p *port) open(path string, baud int) error {
	tty, err := openPollable(path, baud, p.control)
	if err != nil {
		return err
	}
	p.tty = tty
	if err := unix.IoctlSetInt(p.control, unix.TIOCEXCL, 0); err != nil {
		return fmt.Errorf("cannot make it exclusive: %w", err)
	}
	if err := checkSettings(p.control, baud); err != nil {
		return err
	}
	if err := unix.IoctlSetInt(p.control, unix.TCFLSH, unix.TCIOFLUSH); err != nil {
		return fmt.Errorf("cannot flush: %w", err)
	}
	return nil
}

// Read returns io.EOF, or EIO, only after a hang-up: the line has VMIN=1 and is polled, so silence blocks.
func (p *port) Read(b []byte) (int, error) { return p.tty.Read(b) }

// Write blocks while the other side takes nothing; Close ends it.
func (p *port) Write(b []byte) (int, error) { return p.tty.Write(b) }

// Close gives the line back; it never waits for a Read or Write.
func (p *port) Close() (err error) {
	p.closing.Do(func() {
		if p.tty != nil {
			err = p.tty.Close()
			// On a line that hung up there is nothing left to release, and the descriptor goes anyway.
			_ = unix.IoctlSetInt(p.control, unix.TIOCNXCL, 0)
		}
		if closed := unix.Close(p.control); err == nil {
			err = closed
		}
	})
	return err
}

// openings keeps two openings of this process apart: each looks for "the descriptor that is new".
var openings sync.Mutex

// openPollable opens the tty with the library and gives its descriptor back to Go's poller.
func openPollable(path string, baud, control int) (*serial.Port, error) {
	openings.Lock()
	defer openings.Unlock()
	before, err := descriptorsOf(control)
	if err != nil {
		return nil, err
	}
	tty, err := serial.OpenPort(&serial.Config{Name: path, Baud: baud})
	if err != nil {
		return nil, err
	}
	after, err := descriptorsOf(control)
	if err == nil {
		var fd int
		if fd, err = newOne(before, after); err == nil {
			err = unix.SetNonblock(fd, true)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot take over the descriptor: %w", closeAlso(err, tty))
	}
	return tty, nil
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
		return 0, os.ErrNotExist
	}
	return found, nil
}

// checkSettings compares what the driver keeps with what was asked: some refuse a speed or size and say success.
func checkSettings(fd, baud int) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return fmt.Errorf("cannot read settings back: %w", err)
	}
	if t.Cflag&(unix.CSIZE|unix.PARENB|unix.CSTOPB) != unix.CS8 {
		return fmt.Errorf("driver refused 8N1 (cflag %#o)", t.Cflag)
	}
	if t.Cflag&unix.CBAUD != speeds[baud] {
		return fmt.Errorf("driver refused %d baud (cflag %#o)", baud, t.Cflag)
	}
	if t.Lflag&(unix.ICANON|unix.ECHO) != 0 || t.Cc[unix.VMIN] != 1 {
		return fmt.Errorf("driver refused raw mode (lflag %#o)", t.Lflag)
	}
	return nil
}

func closeAlso(err error, c io.Closer) error {
	if second := c.Close(); second != nil {
		return fmt.Errorf("%w (and closing: %w)", err, second)
	}
	return err
}

// speeds leaves out the 1970s: at 1200 baud one full frame would outlive every timer.
var speeds = map[int]uint32{
	9600: unix.B9600, 19200: unix.B19200, 38400: unix.B38400, 57600: unix.B57600, 115200: unix.B115200,
	230400: unix.B230400, 460800: unix.B460800, 500000: unix.B500000, 576000: unix.B576000, 921600: unix.B921600,
	1000000: unix.B1000000, 1152000: unix.B1152000, 1500000: unix.B1500000, 2000000: unix.B2000000,
}
