package device

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// errMode says that the tty works and does not do what was asked of it: another mode may fit.
var errMode = errors.New("the tty does not take the mode")

// mode is how characters stand on a line.
type mode struct {
	baud     int
	bits     int  // of data
	parity   byte // 'N', 'E' or 'O'
	stopBits int
}

// plain is the mode of every protocol here: eight bits without parity.
func plain(baud, stopBits int) mode {
	return mode{baud: baud, bits: 8, parity: 'N', stopBits: stopBits}
}

func (m mode) String() string {
	if m.baud == 0 {
		return fmt.Sprintf("another speed, %d%c%d", m.bits, m.parity, m.stopBits)
	}
	return fmt.Sprintf("%d baud, %d%c%d", m.baud, m.bits, m.parity, m.stopBits)
}

// length is a character on the line, in bits.
func (m mode) length() int {
	n := 1 + m.bits + m.stopBits
	if m.parity != 'N' {
		n++
	}
	return n
}

// keptBy reads back what the driver of a tty made of the settings: some refuse a speed, a parity or a size and say
// success.
func keptBy(t *unix.Termios) mode {
	m := mode{bits: 5, parity: 'N', stopBits: 1}
	for baud, flag := range speeds {
		if t.Cflag&unix.CBAUD == flag {
			m.baud = baud
		}
	}
	switch t.Cflag & unix.CSIZE {
	case unix.CS6:
		m.bits = 6
	case unix.CS7:
		m.bits = 7
	case unix.CS8:
		m.bits = 8
	}
	if t.Cflag&unix.CSTOPB != 0 {
		m.stopBits = 2
	}
	switch t.Cflag & (unix.PARENB | unix.PARODD) {
	case unix.PARENB:
		m.parity = 'E'
	case unix.PARENB | unix.PARODD:
		m.parity = 'O'
	}
	return m
}

// checkMode compares what the tty of fd keeps with what was asked.
func checkMode(fd int, asked mode) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return fmt.Errorf("cannot read settings back: %w", err)
	}
	if kept := keptBy(t); kept != asked {
		return fmt.Errorf("%w %v: it kept %v", errMode, asked, kept)
	}
	if t.Lflag&(unix.ICANON|unix.ECHO) != 0 || t.Cc[unix.VMIN] != 1 {
		return fmt.Errorf("%w raw: it keeps lines together or echoes (lflag %#o, at least %d bytes)", errMode, t.Lflag, t.Cc[unix.VMIN])
	}
	return nil
}

// speeds leaves out the 1970s: at 1200 baud one full frame would outlive every timer.
var speeds = map[int]uint32{
	9600: unix.B9600, 19200: unix.B19200, 38400: unix.B38400, 57600: unix.B57600, 115200: unix.B115200,
	230400: unix.B230400, 460800: unix.B460800, 500000: unix.B500000, 576000: unix.B576000, 921600: unix.B921600,
	1000000: unix.B1000000, 1152000: unix.B1152000, 1500000: unix.B1500000, 2000000: unix.B2000000,
}
