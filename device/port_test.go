package device

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
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
	p, err := openPort(path, plain(115200, 1))
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
	p, err := openPort(path, plain(115200, 1))
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
	first, err := openPort(path, plain(115200, 1))
	if err != nil {
		t.Fatal(err)
	}
	if second, err := openPort(path, plain(115200, 1)); !errors.Is(err, ErrBusy) {
		t.Errorf("second opening: %v %v", second, err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := openPort(path, plain(9600, 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestPortNoticesRefusedSettings(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(t *unix.Termios)
		want  string
	}{
		"speed":       {func(t *unix.Termios) { t.Cflag = t.Cflag&^unix.CBAUD | unix.B9600 }, "115200 baud, 8N2: it kept 9600 baud, 8N2"},
		"other speed": {func(t *unix.Termios) { t.Cflag = t.Cflag&^unix.CBAUD | unix.B300 }, "115200 baud, 8N2: it kept another speed, 8N2"},
		"stop":        {func(t *unix.Termios) { t.Cflag &^= unix.CSTOPB }, "115200 baud, 8N2: it kept 115200 baud, 8N1"},
		"echo":        {func(t *unix.Termios) { t.Lflag |= unix.ECHO }, "raw"},
	} {
		_, path := newPTY(t)
		p, err := openPort(path, plain(115200, 2))
		if err != nil {
			t.Fatal(err)
		}
		settings, err := unix.IoctlGetTermios(p.control, unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		test.spoil(settings)
		if err := unix.IoctlSetTermios(p.control, unix.TCSETS, settings); err != nil {
			t.Fatal(err)
		}
		if err := checkMode(p.control, plain(115200, 2)); !errors.Is(err, errMode) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A pseudo-terminal has eight bits and no parity, whatever is asked, and says yes to everything.
func TestModesAreReadBack(t *testing.T) {
	for want, flags := range map[mode]uint32{
		{9600, 7, 'E', 1}:    unix.B9600 | unix.CS7 | unix.PARENB,
		{19200, 6, 'O', 2}:   unix.B19200 | unix.CS6 | unix.PARENB | unix.PARODD | unix.CSTOPB,
		{2000000, 5, 'N', 1}: unix.B2000000 | unix.CS5 | unix.CREAD | unix.CLOCAL,
		{115200, 8, 'N', 2}:  unix.B115200 | unix.CS8 | unix.CSTOPB | unix.PARODD,
	} {
		if kept := keptBy(&unix.Termios{Cflag: flags}); kept != want {
			t.Errorf("%v is read as %v", want, kept)
		}
	}
	for m, bits := range map[mode]int{plain(9600, 1): 10, plain(9600, 2): 11, {9600, 7, 'E', 2}: 11} {
		if m.length() != bits {
			t.Errorf("a character of %v has %d bits", m, m.length())
		}
	}
}

func TestPortRefusesWhatIsNoLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openPort(file, plain(115200, 1)); !errors.Is(err, unix.ENOTTY) {
		t.Errorf("a file: %v", err)
	}
	if _, err := openPort(file+"-missing", plain(115200, 1)); !errors.Is(err, fs.ErrNotExist) {
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
		p, err := openPort(path, plain(115200, 1))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := (opening{path: path, proc: "/proc"}).descriptors(); err != nil || len(left) != 1 {
		t.Errorf("%d descriptors of the line are open, %v", len(left), err)
	}
}
