//go:build (amd64 || arm64) && !android

package crash

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The n-th operation of each kind fails, for every n that there is: what was
// acknowledged is there, nothing is there twice, and after the fault the store
// opens and goes on. At each n one error after the other is taken by turns, or as many of
// them as CRASH_ERRNOS says.
func TestEveryOperationFails(t *testing.T) {
	desk := build(t, deskStore)
	own := func(r *recorder, what string) *exec.Cmd { return r.child(what, 1) }
	for _, c := range []struct {
		work    string
		command func(*recorder, string) *exec.Cmd
		judge   func(string, []string) error
	}{
		{"ledger few", own, judgeLedger}, {"journal", own, judgeJournal}, {"keys", own, judgeKeys}, {"desk", desk.command, desk.judge(t)},
	} {
		t.Run(c.work, func(t *testing.T) {
			f := faulty{recorder: mounted(t), work: c.work, command: c.command, judge: c.judge}
			all := 0
			for _, k := range []kind{write, sync, rename, create, truncate, remove, link, syncFolder} {
				all += f.every(t, k)
			}
			t.Logf("%-12s %6d faults", c.work, all)
			if all == 0 {
				t.Error("nothing ever failed")
			}
		})
	}
}

var errnos = []syscall.Errno{syscall.EIO, syscall.ENOSPC, syscall.EROFS, syscall.EPERM}

// faulty is a work in a mount whose operations can fail, and who judges what is left.
type faulty struct {
	*recorder
	work    string
	command func(*recorder, string) *exec.Cmd
	judge   func(string, []string) error
}

// every has each operation of a kind fail, and says how many faults there were.
func (f faulty) every(t *testing.T, k kind) (all int) {
	t.Helper()
	step, many := number("CRASH_ERRNO_STEP", 1), number("CRASH_ERRNOS", 1)
	for n := 1; ; n += step {
		for turn := range many {
			errno := errnos[(n+turn)%len(errnos)]
			hit, out := f.failing(t, k, n, errno)
			if !hit {
				return all
			}
			all++
			told, err := os.ReadFile(filepath.Join(f.back, toldFile))
			if err == nil {
				err = f.judge(f.back, strings.Split(strings.TrimSpace(string(told)), "\n"))
			}
			if err != nil {
				t.Errorf("%v at %s number %d: %v\n%s", errno, kindNames[k], n, err, out)
			}
		}
	}
}

// failing runs the work on an empty folder with one fault.
func (f faulty) failing(t *testing.T, k kind, n int, errno syscall.Errno) (hit bool, out []byte) {
	t.Helper()
	f.empty(t)
	one := &fault{kind: k, n: n, errno: errno}
	f.mu.Lock()
	f.fault = one
	f.mu.Unlock()
	out, failed := f.command(f.recorder, f.work).CombinedOutput()
	f.mu.Lock()
	f.fault = nil
	f.mu.Unlock()
	if !one.hit && failed != nil {
		t.Fatal(fmt.Errorf("it failed without a fault: %w: %s", failed, out))
	}
	return one.hit, out
}

// empty removes everything from the mount.
func (f faulty) empty(t *testing.T) {
	t.Helper()
	entries, err := os.ReadDir(f.mount)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(f.mount, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
}
