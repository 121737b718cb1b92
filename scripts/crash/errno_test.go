//go:build (amd64 || arm64) && !android

package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The n-th operation of each kind fails, for every n that there is: what was
// acknowledged is there, nothing is there twice, and after the fault the store
// opens and goes on.
func TestEveryOperationFails(t *testing.T) {
	for _, c := range []struct {
		work  string
		judge func(string, []string) error
	}{
		{"ledger few", judgeLedger}, {"journal", judgeJournal}, {"keys", judgeKeys},
	} {
		t.Run(c.work, func(t *testing.T) {
			r := mounted(t)
			all := 0
			for _, k := range []kind{write, sync, rename, create, truncate, syncFolder} {
				all += everyFault(t, r, c.work, k, c.judge)
			}
			t.Logf("%-12s %6d faults", c.work, all)
			if all == 0 {
				t.Error("nothing ever failed")
			}
		})
	}
}

var errnos = []syscall.Errno{syscall.EIO, syscall.ENOSPC, syscall.EROFS, syscall.EPERM}

func everyFault(t *testing.T, r *recorder, what string, k kind, judge func(string, []string) error) int {
	t.Helper()
	step := number("CRASH_ERRNO_STEP", 1)
	for n := 1; ; n += step {
		errno := errnos[n%len(errnos)]
		hit, out := r.failing(t, what, k, n, errno)
		if !hit {
			return (n - 1) / step
		}
		told, err := os.ReadFile(filepath.Join(r.back, toldFile))
		if err == nil {
			err = judge(r.back, strings.Split(strings.TrimSpace(string(told)), "\n"))
		}
		if err != nil {
			t.Errorf("%v at %s number %d: %v\n%s", errno, kindNames[k], n, err, out)
		}
	}
}

// failing runs the work on an empty folder with one fault.
func (r *recorder) failing(t *testing.T, what string, k kind, n int, errno syscall.Errno) (hit bool, out []byte) {
	t.Helper()
	entries, err := os.ReadDir(r.mount)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(r.mount, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	f := &fault{kind: k, n: n, errno: errno}
	r.mu.Lock()
	r.fault = f
	r.mu.Unlock()
	out, failed := r.child(what, 1).CombinedOutput()
	r.mu.Lock()
	r.fault = nil
	r.mu.Unlock()
	if !f.hit && failed != nil {
		t.Fatal(fmt.Errorf("it failed without a fault: %w: %s", failed, out))
	}
	return f.hit, out
}
