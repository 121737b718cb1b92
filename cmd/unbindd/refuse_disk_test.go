package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"unbindd/agent/command"
	"unbindd/agent/local"
)

// onASmallDisk runs a test where it may mount a file system: as root, or as root
// of a name space of its own.
func onASmallDisk(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	if os.Geteuid() == 0 {
		test(t)
		return
	}
	again := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	again.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	if out, err := again.CombinedOutput(); err != nil {
		t.Fatalf("in a name space of its own: %v\n%s", err, out)
	}
}

// disk is a small file system that holds the state directory, and the ballast
// that fills it.
type disk struct {
	*world
	ballast string
}

// newDisk makes a world whose state lies on a file system of 24 MiB.
func newDisk(t *testing.T, o options) disk {
	t.Helper()
	d := disk{world: newWorld(t, o)}
	moved := d.path("moved")
	if err := os.Rename(d.state(), moved); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(d.state(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", d.state(), "tmpfs", 0, "size=24m,mode=0700"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(d.state(), unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	if out, err := exec.Command("cp", "-a", moved+"/.", d.state()).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	d.ballast = filepath.Join(d.state(), "ballast")
	return d
}

// fill leaves so many bytes free.
func (d *disk) fill(leave int64) {
	d.t.Helper()
	f, err := os.Create(d.ballast)
	if err != nil {
		d.t.Fatal(err)
	}
	block := make([]byte, 4096)
	for d.free() > leave && err == nil {
		_, err = f.Write(block)
	}
	if err := errors.Join(err, f.Close()); err != nil && !errors.Is(err, syscall.ENOSPC) {
		d.t.Fatal(err)
	}
}

func (d *disk) free() int64 {
	d.t.Helper()
	var s unix.Statfs_t
	if err := unix.Statfs(d.state(), &s); err != nil {
		d.t.Fatal(err)
	}
	return int64(s.Bavail) * int64(s.Bsize)
}

func (d *disk) empty() {
	d.t.Helper()
	if err := os.Remove(d.ballast); err != nil {
		d.t.Fatal(err)
	}
}

// A disk too full to seal the backup on ends the order before anything is
// erased; with room again the next one ends as it should.
func TestAFullDiskWhileSealingErasesNothing(t *testing.T) {
	t.Parallel()
	onASmallDisk(t, func(t *testing.T) {
		for _, leave := range []int64{2 << 20, 0} {
			d := newDisk(t, options{sales: 20})
			d.startDaemon()
			d.traded(20)
			d.fill(leave)
			d.publish(d.sign(d.issue(), "ops-1", "sec-1"))
			d.fails("E27:spool")
			d.answered(d.caseID(), command.Undone, "E27:spool")
			d.empty()
			d.sells()
			d.issueAnew()
			d.completes(21)
		}
	})
}

// A disk that has filled up by the time the gate is reached keeps it shut: the
// trial of all that can still come needs more than is left, or where the journal
// has room of its own for that, the tombstone does.
func TestAFullDiskAtTheGateErasesNothing(t *testing.T) {
	for code, ahead := range map[string]int64{"E27:journal": 0, "E27:tombstone": 4 << 20} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			onASmallDisk(t, func(t *testing.T) {
				d := newDisk(t, options{sales: 20, noTicket: true})
				d.startDaemon()
				d.traded(20)
				d.publish(d.sign(d.issue(), "ops-1", "sec-1"))
				d.until("waiting for the ticket", waitsToDeliver)
				if ahead > 0 {
					d.room(filepath.Join(d.state(), "journal.db"), ahead)
				}
				d.fill(0)
				d.startTickets()
				d.fails(code)
				d.answered(d.caseID(), command.Undone, code)
				d.empty()
				d.sells()
				if ahead == 0 { // once is enough: behind the gate both are the same
					d.issueAnew()
					d.completes(21)
				}
			})
		})
	}
}

// room gives every page of a file its place on the disk, and so many bytes behind
// its end.
func (d *disk) room(path string, ahead int64) {
	d.t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		d.t.Fatal(err)
	}
	info, err := f.Stat()
	if err == nil {
		err = unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, info.Size()+ahead)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		d.t.Fatal(err)
	}
}

// What the reader sells on a full disk is not acknowledged and not lost: it is in
// the ledger as soon as there is room.
func TestAFullDiskWhileTradingLosesNothing(t *testing.T) {
	t.Parallel()
	onASmallDisk(t, func(t *testing.T) {
		d := newDisk(t, options{sales: 20})
		d.startDaemon()
		d.traded(20)
		d.fill(0)
		d.ask("generate", "3000") // more than what is left over inside the ledger's file
		d.until("an alarm", func(s local.Status) bool { return s.Alarm != nil })
		d.empty()
		d.traded(3020)
		d.issue()
		d.completes(3020)
	})
}
