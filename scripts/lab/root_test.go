package lab

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"unbindd/scripts/programtest"
)

// TestMain is also where the flash model begins, since that is a process of its
// own: who keeps a disk alive must not wait for it.
func TestMain(m *testing.M) {
	if dir := os.Getenv(stickEnv); dir != "" {
		if err := serveStick(dir); err != nil {
			fmt.Fprintln(os.Stderr, "flash model:", err)
			os.Exit(1)
		}
		return
	}
	programtest.OwnMounts()
	os.Exit(m.Run())
}

// needRoot skips where nobody could have asked for more, and fails as root.
func needRoot(t *testing.T, programs ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("the lab needs root and loop devices")
	}
	for _, node := range []string{"/dev/loop-control", "/dev/fuse"} {
		if _, err := os.Stat(node); err != nil {
			t.Fatalf("the lab cannot run: %v", err)
		}
	}
	for _, p := range append([]string{"losetup", "mkfs.ext4"}, programs...) {
		if _, err := exec.LookPath(p); err != nil {
			t.Fatalf("the lab cannot run: %v (scripts/deps.sh installs what it needs, scripts/deps.sh lab what the whole table needs)", err)
		}
	}
}

// call runs a program and returns what it printed.
func call(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).CombinedOutput()
	text := strings.TrimSpace(string(out))
	if err != nil {
		return text, fmt.Errorf("cannot run %s: %w: %s", name, err, text)
	}
	return text, nil
}

func mustCall(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := call(name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
