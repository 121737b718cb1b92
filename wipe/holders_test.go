package wipe_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"unbindd/wipe"
)

func inodeOf(t testing.TB, path string) wipe.Inode {
	t.Helper()
	st, err := wipe.Kernel{}.StatAt(unix.AT_FDCWD, path)
	must(t, err)
	return wipe.Inode{Dev: st.Dev, Ino: st.Ino}
}

func TestHoldersLowerTheLevel(t *testing.T) {
	for name, c := range map[string]struct {
		holder wipe.Holder
		ours   bool // it holds the file that is erased
		came   bool // only after the erase began
		level  wipe.Level
		word   bool
	}{
		"of another file":           {wipe.Holder{Writes: true}, false, false, wipe.LevelClear, false},
		"reads":                     {wipe.Holder{}, true, false, wipe.LevelClear, true},
		"writes":                    {wipe.Holder{Writes: true}, true, false, wipe.LevelLogical, true},
		"this process writes":       {wipe.Holder{Writes: true, Own: true}, true, false, wipe.LevelLogical, true},
		"nameless":                  {wipe.Holder{Deleted: true}, false, false, wipe.LevelLogical, true},
		"came, and writes":          {wipe.Holder{Deleted: true, Writes: true}, false, true, wipe.LevelLogical, true},
		"came, and only reads":      {wipe.Holder{Deleted: true}, false, true, wipe.LevelClear, true},
		"came, and holds another's": {wipe.Holder{Writes: true}, true, true, wipe.LevelClear, false},
	} {
		root := spread(t, map[string]int{"d/f": 9000})
		h := wipe.Holding{Holder: c.holder, FD: -1}
		h.PID, h.Program = 4711, canary
		if c.ours {
			h.Inode = inodeOf(t, filepath.Join(root, "d", "f"))
		}
		sys, asked := newTap(), 0
		sys.medium.holders = func() ([]wipe.Holding, bool) {
			if asked++; c.came != (asked > 1) {
				return nil, false
			}
			return []wipe.Holding{h}, false
		}
		order, noted := target(root, "d"), wipe.Level("")
		order.Lowered = func(to wipe.Level, leaves string) error {
			noted = to
			if leaves != "open-holders" {
				t.Errorf("%s: %q is noted", name, leaves)
			}
			return nil
		}
		var named []wipe.Holder
		order.Held = func(h wipe.Holder) { named = append(named, h) }
		e := erase(t, sys, order)
		if c.word != (len(named) == 1) || c.word && named[0] != h.Holder {
			t.Errorf("%s: told of %+v", name, named)
		}
		if e.LevelAchieved != c.level || e.Verified != wipe.Pass || slices.Contains(e.Residual, "open-holders") != c.word {
			t.Errorf("%s: %+v", name, e)
		}
		if c.level == wipe.LevelLogical && !strings.HasPrefix(e.Reason, "somebody has something of it open") {
			t.Errorf("%s: the reason is %q", name, e.Reason)
		}
		if (noted != "") != (c.level == wipe.LevelLogical) {
			t.Errorf("%s: noted %q", name, noted)
		}
	}
}

func TestWhoMayNotLookSaysSo(t *testing.T) {
	root := plant(t, map[string]int{"f": 10})
	sys := newTap()
	sys.medium.holders = func() ([]wipe.Holding, bool) { return nil, true }
	if e := erase(t, sys, target(root, "f")); e.LevelAchieved != wipe.LevelClear || !slices.Contains(e.Residual, "holders-unseen") {
		t.Errorf("%+v", e)
	}
}

// hold has another program keep a file open until the test ends; it says when it
// has it.
func hold(t *testing.T, redirect, path string) (pid int) {
	t.Helper()
	return keep(t, exec.Command("/bin/sh", "-c", fmt.Sprintf("exec %s %q; echo held; read x", redirect, path)))
}

// keep runs a program that says "held" and then waits for the end of its input.
func keep(t *testing.T, cmd *exec.Cmd) (pid int) {
	t.Helper()
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		must(t, in.Close())
		_ = cmd.Wait() // read found the end: not 0
	})
	_, err = out.Read(make([]byte, 5))
	must(t, err)
	return cmd.Process.Pid
}

// TestRealHolders finds programs by name and number, for reading, for writing,
// and with a file that has no name any more.
func TestRealHolders(t *testing.T) {
	root := plant(t, map[string]int{"d/read": 10, "d/written": 10, "d/gone": 10, "other": 10})
	in := func(name string) string { return filepath.Join(root, "d", name) }
	reads, writes, gone := hold(t, "3<", in("read")), hold(t, "3>>", in("written")), hold(t, "3<", in("gone"))
	hold(t, "3>>", filepath.Join(root, "other"))
	must(t, os.Remove(in("gone")))
	held, _, err := wipe.Holders(wipe.Kernel{}, target(root, "d"))
	must(t, err)
	want := map[int]wipe.Holder{
		reads:  {PID: reads, Program: "sh"},
		writes: {PID: writes, Program: "sh", Writes: true},
		gone:   {PID: gone, Program: "sh", Deleted: true},
	}
	if len(held) != len(want) {
		t.Errorf("held by %+v", held)
	}
	for _, h := range held {
		if h != want[h.PID] {
			t.Errorf("%+v, want %+v", h, want[h.PID])
		}
		if h.String() != fmt.Sprintf("sh (%d)", h.PID) {
			t.Errorf("called %q", h)
		}
	}
	e := erase(t, wipe.Kernel{}, target(root, "d"))
	if e.LevelAchieved == wipe.LevelClear || !slices.Contains(e.Residual, "open-holders") || strings.Contains(fmt.Sprint(e), "sh (") {
		t.Errorf("%+v", e)
	}
}

// TestAMappedFileIsHeld maps a file to be shared and closes its descriptor.
func TestAMappedFileIsHeld(t *testing.T) {
	root := plant(t, map[string]int{"f": 4096})
	f, err := os.OpenFile(filepath.Join(root, "f"), os.O_RDWR, 0)
	must(t, err)
	page, err := unix.Mmap(int(f.Fd()), 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	must(t, err)
	t.Cleanup(func() { must(t, unix.Munmap(page)) })
	must(t, f.Close())
	e := erase(t, wipe.Kernel{}, target(root, "f"))
	if e.LevelAchieved != wipe.LevelLogical || !slices.Contains(e.Residual, "open-holders") {
		t.Errorf("%+v", e)
	}
}

// TestALeaseKeepsOthersOut tries the real one: nobody comes in while it is held,
// the signal of the attempt ends nothing, and it is not given while somebody has
// the file open.
func TestALeaseKeepsOthersOut(t *testing.T) {
	root := plant(t, map[string]int{"f": 10})
	k, path := wipe.Kernel{}, filepath.Join(root, "f")
	fd, err := k.OpenFile(unix.AT_FDCWD, path)
	must(t, err)
	defer k.Close(fd)
	other, err := k.OpenPlain(unix.AT_FDCWD, path)
	must(t, err)
	if err := k.Lease(fd); !errors.Is(err, unix.EAGAIN) {
		t.Errorf("a lease on a file that is open elsewhere: %v", err)
	}
	k.Close(other)
	must(t, k.Lease(fd))
	if other, err := k.OpenPlain(unix.AT_FDCWD, path); !errors.Is(err, unix.EAGAIN) {
		k.Close(other)
		t.Errorf("opened under a lease: %v", err)
	}
	must(t, k.EndLease(fd))
	other, err = k.OpenPlain(unix.AT_FDCWD, path)
	must(t, err)
	k.Close(other)
}
