package device

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/tarm/serial"
	"golang.org/x/sys/unix"
)

// onceOnly is the library on a tty that refuses a second opening.
func onceOnly(path string) func(*serial.Config) (io.ReadWriteCloser, error) {
	return func(c *serial.Config) (io.ReadWriteCloser, error) {
		held, err := opening{path: path, proc: "/proc"}.descriptors()
		if err != nil {
			return nil, err
		}
		if len(held) > 0 {
			return nil, unix.EBUSY
		}
		return serial.OpenPort(c)
	}
}

func library(c *serial.Config) (io.ReadWriteCloser, error) { return serial.OpenPort(c) }

// ways are the openings that must lead to the same port.
func ways(t *testing.T, path string) map[string]opening {
	nothing := procfs(filepath.Join(t.TempDir(), "proc"))
	m := plain(115200, 1)
	return map[string]opening{
		"two descriptors":             {path, m, "/proc", 0, library},
		"proc cannot be read":         {path, m, nothing, 0, library},
		"one open only":               {path, m, "/proc", 0, onceOnly(path)},
		"one open only, without proc": {path, m, nothing, 0, onceOnly(path)},
	}
}

func eachWay(t *testing.T, test func(t *testing.T, master *os.File, o opening, p *port)) {
	for _, name := range []string{"two descriptors", "proc cannot be read", "one open only", "one open only, without proc"} {
		t.Run(name, func(t *testing.T) {
			master, path := newPTY(t)
			o := ways(t, path)[name]
			p, err := o.port()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = p.Close() }) // many tests close it themselves
			test(t, master, o, p)
		})
	}
}

func TestEveryWayCloseFreesReadAndWrite(t *testing.T) {
	eachWay(t, func(t *testing.T, _ *os.File, _ opening, p *port) {
		reading := blocked(func() error { _, err := p.Read(make([]byte, 1)); return err })
		writing := blocked(func() error { _, err := p.Write(make([]byte, 1<<20)); return err })
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		for _, done := range []<-chan error{reading, writing} {
			if err := <-done; !errors.Is(err, os.ErrClosed) {
				t.Errorf("error %v", err)
			}
		}
	})
}

// Silence of any length blocks: only a hang-up ends a Read.
func TestEveryWayTellsHangupFromSilence(t *testing.T) {
	eachWay(t, func(t *testing.T, master *os.File, _ opening, p *port) {
		settings, err := unix.IoctlGetTermios(p.control, unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		if settings.Cc[unix.VMIN] != 1 || settings.Cc[unix.VTIME] != 0 {
			t.Errorf("VMIN %d VTIME %d: silence would end a read", settings.Cc[unix.VMIN], settings.Cc[unix.VTIME])
		}
		reading := blocked(func() error { _, err := p.Read(make([]byte, 1)); return err })
		if _, err := master.Write([]byte{1}); err != nil {
			t.Fatal(err)
		}
		if err := <-reading; err != nil {
			t.Fatalf("a byte after a silence: %v", err)
		}
		reading = blocked(func() error { _, err := p.Read(make([]byte, 1)); return err })
		if err := master.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-reading; !errors.Is(err, io.EOF) && !errors.Is(err, unix.EIO) {
			t.Errorf("hang-up: %v", err)
		}
		if _, err := p.Write([]byte{1}); err == nil {
			t.Error("a line that hung up takes bytes")
		}
		if err := p.Close(); err != nil {
			t.Errorf("closing after a hang-up: %v", err)
		}
	})
}

func TestEveryWayLocksAndLeavesNothingBehind(t *testing.T) {
	eachWay(t, func(t *testing.T, _ *os.File, o opening, p *port) {
		if _, err := o.port(); !errors.Is(err, ErrBusy) {
			t.Errorf("second opening: %v", err)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		if left, err := o.descriptors(); err != nil || len(left) != 0 {
			t.Errorf("%d descriptors are left, %v", len(left), err)
		}
		again, err := o.port()
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	})
}

// The descriptors of a closed port may be somebody else's by now.
func TestClosedPortDiscardsNothing(t *testing.T) {
	eachWay(t, func(t *testing.T, master *os.File, _ opening, p *port) {
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := p.discard(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("error %v", err)
		}
	})
}

func TestDiscardTellsHowMuchCame(t *testing.T) {
	eachWay(t, func(t *testing.T, master *os.File, _ opening, p *port) {
		if _, err := master.Write([]byte("stale")); err != nil {
			t.Fatal(err)
		}
		if err := waitReadable(p.control); err != nil {
			t.Fatal(err)
		}
		for _, want := range []int{5, 0} {
			if came, err := p.discard(); err != nil || came != want {
				t.Errorf("%d bytes came, %v; want %d", came, err, want)
			}
		}
	})
}

// waitReadable waits for the first byte; the line discipline hands a write over as a whole.
func waitReadable(fd int) error {
	for {
		_, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 30_000)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func TestFailedOpeningLeavesNothingBehind(t *testing.T) {
	refused := errors.New("refused")
	for name, library := range map[string]func(*serial.Config) (io.ReadWriteCloser, error){
		"the library fails": func(*serial.Config) (io.ReadWriteCloser, error) { return nil, refused },
		"the library opens something else": func(c *serial.Config) (io.ReadWriteCloser, error) {
			return os.Open(os.DevNull)
		},
		"another tty mode": func(c *serial.Config) (io.ReadWriteCloser, error) {
			c.Baud = 9600
			return serial.OpenPort(c)
		},
		"busy twice": func(*serial.Config) (io.ReadWriteCloser, error) { return nil, unix.EBUSY },
	} {
		_, path := newPTY(t)
		o := opening{path, plain(115200, 1), "/proc", 0, library}
		if p, err := o.port(); err == nil {
			t.Errorf("%s: opened %v", name, p)
		}
		if left, err := o.descriptors(); err != nil || len(left) != 0 {
			t.Errorf("%s: %d descriptors are left, %v", name, len(left), err)
		}
	}
}
