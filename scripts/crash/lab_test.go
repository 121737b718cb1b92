//go:build (amd64 || arm64) && !android

package crash

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// work is what a program does in the mounted folder; say tells, in the record,
// what is begun and what was done.
type work func(dir string, seed uint64, say func(string)) error

// works are the programs by name; each file of a store adds its own.
var works = map[string]work{}

// memoryFolder is a folder in memory, or where that may not be had, on the disk.
func memoryFolder(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if os.Getuid() != 0 {
		return dir
	}
	if err := syscall.Mount("crashlab", dir, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, "mode=0700"); err != nil {
		t.Fatalf("cannot have a folder in memory: %v", err)
	}
	// A store that died of its image leaves a map behind, hence detached.
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("cannot unmount: %v", err)
		}
	})
	return dir
}

// number reads a setting of a run.
func number(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// child runs this binary as one of the works, in the mount.
func (r *recorder) child(what string, seed uint64) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), "CRASH_WORK="+what, "CRASH_DIR="+r.mount, "CRASH_WORK_SEED="+strconv.FormatUint(seed, 10))
	return cmd
}

// recorded runs the works one after the other and returns their record.
func recorded(t testing.TB, seed uint64, whats ...string) trace {
	t.Helper()
	r := mounted(t)
	r.begin(t, filepath.Join(t.TempDir(), "trace"))
	for _, what := range whats {
		if out, err := r.child(what, seed).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", what, err, out)
		}
	}
	return r.end(t)
}

// killedThen runs a work that is killed at its n-th operation of a kind, and then
// another on what the page cache still has; false when there is no such operation.
func killedThen(t testing.TB, k kind, n int, command func(r *recorder, what string) *exec.Cmd, first, then string) (trace, bool) {
	t.Helper()
	r := mounted(t)
	r.begin(t, filepath.Join(t.TempDir(), "trace"))
	cmd := command(r, first)
	f := &fault{kind: k, n: n, errno: syscall.EIO, kill: func() { _ = cmd.Process.Kill() }}
	r.mu.Lock()
	err := cmd.Start() // under the lock, so that it cannot be ahead of its fault
	r.fault = f
	r.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed, if there is such an operation
	r.mu.Lock()
	r.fault = nil
	r.mu.Unlock()
	if !f.hit {
		r.end(t)
		return trace{}, false
	}
	if out, err := command(r, then).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", then, err, out)
	}
	return r.end(t), true
}

// seedOf is this run's, if it is to be another than the test's own.
func seedOf(own uint64) uint64 { return uint64(number("CRASH_SEED", int(own))) }

// green wants no failure, and prints the figures.
func green(t testing.TB, store string, f figures) {
	t.Helper()
	t.Logf("%-12s %6d operations %8d images %8d distinct %3d failures %8d a minute, %v of the processors",
		store, f.Ops, f.Images, f.Distinct, len(f.Failures), f.perMinute(), f.Busy.Round(time.Millisecond))
	if f.Images == 0 {
		t.Errorf("%s: nothing was judged", store)
	}
	for i, failure := range f.Failures {
		if i < 5 {
			t.Errorf("%s: %s", store, failure)
		}
	}
	if len(f.Failures) > 5 {
		t.Errorf("%s: and %d more", store, len(f.Failures)-5)
	}
}

// red wants failures: the medium ignored syncs, and the lab must see it.
func red(t testing.TB, store string, f figures) {
	t.Helper()
	t.Logf("%-32s %6d operations %8d images, %d losses found", store, f.Ops, f.Images, len(f.Failures))
	if len(f.Failures) == 0 {
		t.Errorf("%s: the medium lost what was synced and nobody noticed", store)
	}
}

// deafTo is a medium that ignores the syncs of one kind for paths with a word.
func deafTo(k kind, word string) func(op) bool {
	return func(o op) bool { return o.Kind == k && strings.Contains(o.Name, word) }
}

// envCase is the one case that is to be repeated.
func envCase() string { return os.Getenv("CRASH_CASE") }
