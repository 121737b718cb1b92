package device

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// nobodyServes mounts a FUSE file system whose program never answers, and gives the way to end it.
func nobodyServes(t *testing.T) (dir string, end func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount")
	}
	dir = t.TempDir()
	fuse, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", fuse)
	if err := unix.Mount("nobody", dir, "fuse.unbindd-test", unix.MS_NODEV|unix.MS_NOSUID, options); err != nil {
		t.Fatal(errors.Join(err, unix.Close(fuse)))
	}
	ended := false
	end = func() {
		if ended {
			return
		}
		ended = true
		// Closing the last descriptor ends the connection: whoever waits for an answer gets an error.
		if err := errors.Join(unix.Close(fuse), unix.Unmount(dir, unix.MNT_DETACH)); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(end)
	return dir, end
}

// A program that has a file open on a file system that nobody serves does not keep the line from being opened; it is
// said that it could not be told who else has it, and nobody looks twice at the same time.
func TestTheLookThroughTheProcessesEnds(t *testing.T) {
	dead, end := nobodyServes(t)
	_, path := newPTY(t)
	p := newProc(t)
	p.program(7, "hung")
	p.open(7, 3, filepath.Join(dead, "file"), "")
	p.program(8, "minicom")
	p.open(8, 3, path, "")
	o := opening{path: path, mode: plain(115200, 1), proc: p.fs(), look: time.Millisecond, library: library}
	for _, when := range []string{"the look does not end", "a look that was given up goes on"} {
		line, err := o.port()
		if err != nil || !errors.Is(line.untold, errUntold) {
			t.Fatalf("%s: %v", when, err)
		}
		if err := line.Close(); err != nil {
			t.Error(err)
		}
	}
	held, err := openPort(path, plain(115200, 1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.port(); !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), "cannot be told") {
		t.Errorf("a line that is locked: %v", err)
	}
	if err := held.Close(); err != nil {
		t.Error(err)
	}
	end()
	looking <- struct{}{} // as soon as the kernel has woken the look that was given up
	<-looking
	o.look = 0
	if _, err := o.port(); !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), "minicom") {
		t.Errorf("with the file system gone: %v", err)
	}
}
