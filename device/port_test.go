package device

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// newPTY returns the master of a pseudo-terminal and the path of its slave.
func newPTY(t *testing.T) (master *os.File, path string) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	master = os.NewFile(uintptr(fd), "/dev/ptmx")
	t.Cleanup(func() { _ = master.Close() }) // many tests close it themselves
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	return master, "/dev/pts/" + strconv.Itoa(n)
}

func newPort(t *testing.T) (*os.File, *port) {
	t.Helper()
	master, path := newPTY(t)
	p, err := openPort(path, 115200)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() }) // many tests close it themselves
	return master, p
}

func TestPortCarriesEveryByte(t *testing.T) {
	master, p := newPort(t)
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	got := make([]byte, 256)
	if _, err := master.Write(all); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(p, got); err != nil {
		t.Fatal(err)
	}
	same(t, "read", got, all)
	if _, err := p.Write(all); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(master, got); err != nil {
		t.Fatal(err)
	}
	same(t, "written", got, all)
}

// blocked runs f and returns its end, once f has surely begun; whether it blocks already does not matter.
func blocked(f func() error) <-chan error {
	done, begun := make(chan error, 1), make(chan struct{})
	go func() { close(begun); done <- f() }()
	<-begun
	return done
}

func TestPortCloseFreesReadAndWrite(t *testing.T) {
	_, p := newPort(t)
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
	if err := p.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestPortTellsHangup(t *testing.T) {
	master, p := newPort(t)
	reading := blocked(func() error { _, err := p.Read(make([]byte, 1)); return err })
	if err := master.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-reading; !errors.Is(err, io.EOF) && !errors.Is(err, unix.EIO) {
		t.Errorf("error %v", err)
	}
}

func TestPortDropsWhatWasOnTheLineBefore(t *testing.T) {
	master, path := newPTY(t)
	if _, err := master.Write([]byte("stale")); err != nil {
		t.Fatal(err)
	}
	p, err := openPort(path, 115200)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := master.Write([]byte("fresh")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(p, got); err != nil || string(got) != "fresh" {
		t.Errorf("%q %v", got, err)
	}
}

func TestPortIsLockedAndFreedAgain(t *testing.T) {
	_, path := newPTY(t)
	first, err := openPort(path, 115200)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := openPort(path, 115200); !errors.Is(err, ErrBusy) {
		t.Errorf("second opening: %v %v", second, err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := openPort(path, 9600)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestPortNoticesRefusedSettings(t *testing.T) {
	spoil := map[string]func(t *unix.Termios){
		"speed": func(t *unix.Termios) { t.Cflag = t.Cflag&^unix.CBAUD | unix.B9600 },
		"stop":  func(t *unix.Termios) { t.Cflag |= unix.CSTOPB },
		"echo":  func(t *unix.Termios) { t.Lflag |= unix.ECHO },
	}
	for name, change := range spoil {
		_, p := newPort(t)
		if err := checkSettings(p.control, 115200); err != nil {
			t.Fatal(err)
		}
		settings, err := unix.IoctlGetTermios(p.control, unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		change(settings)
		if err := unix.IoctlSetTermios(p.control, unix.TCSETS, settings); err != nil {
			t.Fatal(err)
		}
		if err := checkSettings(p.control, 115200); err == nil {
			t.Errorf("%s was not noticed", name)
		}
	}
}

func TestPortRefusesWhatIsNoLine(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openPort(plain, 115200); !errors.Is(err, unix.ENOTTY) {
		t.Errorf("a file: %v", err)
	}
	if _, err := openPort(plain+"-missing", 115200); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing: %v", err)
	}
}

func TestPortLeavesNoDescriptorBehind(t *testing.T) {
	_, path := newPTY(t)
	watch, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(watch)
	for range 3 {
		p, err := openPort(path, 115200)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := descriptorsOf(watch); err != nil || len(left) != 1 {
		t.Errorf("%d descriptors of the line are open, %v", len(left), err)
	}
}
