package device

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// proc is a made-up /proc, in which descriptors are links to real files.
type proc struct {
	t    *testing.T
	root string
}

func newProc(t *testing.T) proc { return proc{t, t.TempDir()} }

func (p proc) fs() procfs { return procfs(p.root) }

func (p proc) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p proc) program(pid int, name string) {
	dir := filepath.Join(p.root, strconv.Itoa(pid))
	p.must(os.MkdirAll(filepath.Join(dir, "fd"), 0o700))
	p.must(os.MkdirAll(filepath.Join(dir, "fdinfo"), 0o700))
	p.must(os.WriteFile(filepath.Join(dir, "comm"), []byte(name+"\n"), 0o600))
}

// open gives a program a descriptor of the file at path; info is what the kernel tells about it.
func (p proc) open(pid, fd int, path, info string) {
	dir := filepath.Join(p.root, strconv.Itoa(pid))
	p.must(os.Symlink(path, filepath.Join(dir, "fd", strconv.Itoa(fd))))
	p.must(os.WriteFile(filepath.Join(dir, "fdinfo", strconv.Itoa(fd)), []byte(info), 0o600))
}

func statOf(t *testing.T, path string) *unix.Stat_t {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	return &st
}

func TestWhoHasTheLineOpen(t *testing.T) {
	_, path := newPTY(t)
	_, other := newPTY(t)
	number := strings.TrimPrefix(path, "/dev/pts/")
	otherNumber := strings.TrimPrefix(other, "/dev/pts/")
	for name, test := range map[string]struct {
		build func(p proc)
		want  int
	}{
		"nobody": {func(p proc) { p.program(7, "idle"); p.open(7, 0, os.DevNull, "") }, 0},
		"somebody": {func(p proc) {
			p.program(7, "idle")
			p.open(7, 0, other, "")
			p.program(8, "minicom")
			p.open(8, 3, path, "")
		}, 8},
		"by another name": {func(p proc) {
			link := filepath.Join(p.t.TempDir(), "reader")
			p.must(os.Symlink(path, link))
			p.program(8, "minicom")
			p.open(8, 3, link, "")
		}, 8},
		"the device on a pseudo-terminal": {func(p proc) {
			p.program(8, "socat")
			p.open(8, 3, "/dev/ptmx", "pos:\t0\ntty-index:\t"+number+"\n")
			p.open(8, 4, path, "")
		}, 0},
		"on a kernel that does not tell the number": {func(p proc) {
			p.program(8, "socat")
			p.open(8, 3, "/dev/ptmx", "pos:\t0\n")
			p.open(8, 4, path, "")
		}, 0},
		"the device on another pseudo-terminal": {func(p proc) {
			p.program(8, "screen")
			p.open(8, 3, "/dev/ptmx", "pos:\t0\ntty-index:\t"+otherNumber+"\n")
			p.open(8, 4, path, "")
		}, 8},
		"this process": {func(p proc) { p.program(os.Getpid(), "me"); p.open(os.Getpid(), 3, path, "") }, 0},
		"a descriptor that is gone": {func(p proc) {
			p.program(8, "brief")
			p.open(8, 3, filepath.Join(p.root, "gone"), "")
		}, 0},
	} {
		p := newProc(t)
		test.build(p)
		if pid := p.fs().user(statOf(t, path)); pid != test.want {
			t.Errorf("%s: process %d, want %d", name, pid, test.want)
		}
	}
}

func TestLockerIsReadFromTheKernelsList(t *testing.T) {
	p := newProc(t)
	st := unix.Stat_t{Dev: unix.Mkdev(0, 24), Ino: 7}
	p.must(os.WriteFile(filepath.Join(p.root, "locks"), []byte(
		"1: POSIX  ADVISORY  WRITE 10 00:18:7 0 EOF\n"+
			"2: FLOCK  ADVISORY  WRITE 11 00:18:8 0 EOF\n"+
			"3: FLOCK  ADVISORY  WRITE 12 00:18:7 0 EOF\n"), 0o600))
	if pid := p.fs().locker(&st); pid != 12 {
		t.Errorf("process %d", pid)
	}
	if pid := procfs(filepath.Join(p.root, "nothing")).locker(&st); pid != 0 {
		t.Errorf("without a list: process %d", pid)
	}
}

func TestHolderIsNamedInOneSentence(t *testing.T) {
	p := newProc(t)
	p.program(8, "mini\x1bcom\n2")
	for pid, want := range map[int]string{
		8: "line is held by another process: minicom2 (process 8)",
		9: "line is held by another process (process 9)",
	} {
		if err := p.fs().heldBy(pid); !errors.Is(err, ErrBusy) || err.Error() != want {
			t.Errorf("%v", err)
		}
	}
}

// A program that locks nothing takes every other byte, so the line is not ours while it has it open.
func TestProgramWithoutLockIsNamed(t *testing.T) {
	_, path := newPTY(t)
	slave, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), "cat")
	child.ExtraFiles = []*os.File{slave}
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(child.Start(), slave.Close()); err != nil {
		t.Fatal(err)
	}
	_, err = openPort(path, plain(115200, 1))
	want := fmt.Sprintf("cannot open line %s: line is held by another process: cat (process %d)", path, child.Process.Pid)
	if !errors.Is(err, ErrBusy) || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if err := errors.Join(stdin.Close(), child.Wait()); err != nil {
		t.Fatal(err)
	}
	p, err := openPort(path, plain(115200, 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
