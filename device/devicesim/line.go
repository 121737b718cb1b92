package devicesim

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// openPTY makes a pseudo-terminal and keeps both ends: the master is the reader's plug, the slave the
// terminal's socket. The slave stays open here so that the master does not fail while no terminal is connected.
func openPTY() (master, slave *os.File, err error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot make pseudo-terminal: %w", err)
	}
	master = os.NewFile(uintptr(fd), "/dev/ptmx")
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("cannot unlock pseudo-terminal: %w", err), master.Close())
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("cannot name pseudo-terminal: %w", err), master.Close())
	}
	slave, err = openTTY("/dev/pts/" + strconv.Itoa(n))
	if err != nil {
		return nil, nil, errors.Join(err, master.Close())
	}
	return master, slave, nil
}

// openTTY opens an existing tty in raw mode.
func openTTY(path string) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	t := unix.Termios{Cflag: unix.CREAD | unix.CLOCAL | unix.CS8 | unix.B115200, Ispeed: unix.B115200, Ospeed: unix.B115200}
	t.Cc[unix.VMIN] = 1
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &t); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot set up %s: %w", path, err), unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), path), nil
}

// pointLink makes link lead to target in one step, also over a stale link.
func pointLink(link, target string) error {
	next := link + ".new"
	if err := os.Remove(next); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Symlink(target, next); err != nil {
		return err
	}
	return os.Rename(next, link)
}

// wire is the line with its speed and its noise.
type wire struct {
	io.ReadWriteCloser
	sim  *Sim
	pace int // baud, 0: as fast as it goes

	mu   sync.Mutex
	seed string
	dice *rand.Rand
}

// Read returns what the noise left of what the host sent.
func (w *wire) Read(b []byte) (int, error) {
	for {
		n, err := w.ReadWriteCloser.Read(b)
		if kept := w.disturb(b[:n]); kept > 0 || err != nil {
			w.travel(n)
			return kept, err
		}
	}
}

// Write sends what the noise leaves; what was lost counts as sent.
func (w *wire) Write(b []byte) (int, error) {
	damaged := append([]byte(nil), b...)
	damaged = damaged[:w.disturb(damaged)]
	w.travel(len(b))
	if _, err := w.ReadWriteCloser.Write(damaged); err != nil {
		return 0, err
	}
	return len(b), nil
}

// travel lets the time pass that n bytes need, 10 bits each.
func (w *wire) travel(n int) {
	if w.pace > 0 {
		time.Sleep(time.Duration(n) * 10 * time.Second / time.Duration(w.pace))
	}
}

// disturb drops and flips bytes in place and returns how many are left.
func (w *wire) disturb(b []byte) int {
	drop, flip, seed := w.sim.noise()
	if drop == 0 && flip == 0 {
		return len(b)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dice == nil || w.seed != seed {
		n, _ := strconv.ParseUint(seed, 10, 64) // no seed set: 0
		w.seed, w.dice = seed, rand.New(rand.NewPCG(n, 1))
	}
	kept := b[:0]
	for _, v := range b {
		if w.dice.Float64() < drop {
			continue
		}
		if w.dice.Float64() < flip {
			v ^= 1 << w.dice.IntN(8)
		}
		kept = append(kept, v)
	}
	return len(kept)
}
