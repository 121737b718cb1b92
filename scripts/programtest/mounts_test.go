package programtest

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// What is mounted here is not in a copy that a neighbour took before it was mounted,
// and not in one that he takes after.
func TestNobodyElseHasTheMounts(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounts need root")
	}
	dir := t.TempDir()
	if err := unix.Mount("here", dir, "tmpfs", 0, "mode=0700"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	seen := func(table string) bool {
		body, err := os.ReadFile(table)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(body), dir+" ")
	}
	if !seen("/proc/self/mounts") {
		t.Fatal("it is not mounted")
	}
	if outside := "/proc/" + strconv.Itoa(os.Getppid()) + "/mounts"; seen(outside) {
		t.Errorf("%s shows it too", outside)
	}
	child := exec.Command("cat", "/proc/self/mounts")
	out, err := child.Output()
	if err != nil || !strings.Contains(string(out), dir+" ") {
		t.Errorf("a child of the test does not see it: %v", err)
	}
}
