package device_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"unbindd/device"
	"unbindd/device/devicesim"
)

const heldLine = "DEVICE_TEST_HELD_LINE"

// TestMain lets this binary be a second process that wants the line.
func TestMain(m *testing.M) {
	if path := os.Getenv(heldLine); path != "" {
		r := device.New(device.Config{Driver: "pedlink", Path: path, Baud: 115200}, device.Options{})
		_, err := r.Identify(context.Background())
		fmt.Println(err)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestSecondProcessIsLockedOut(t *testing.T) {
	b := newBench(t)
	identifyWhenBack(t, b.reader())
	second := exec.CommandContext(testContext(t), os.Args[0])
	second.Env = append(os.Environ(), heldLine+"="+b.link)
	out, err := second.Output()
	must(t, err)
	name, err := os.ReadFile("/proc/self/comm")
	must(t, err)
	want := fmt.Sprintf("%v: %s (process %d)", device.ErrBusy, bytes.TrimSpace(name), os.Getpid())
	if !strings.Contains(string(out), want) {
		t.Errorf("the second process says %q, not %q", out, want)
	}
}

// TestThroughSocat runs a sale and an erase over a pair of pseudo-terminals that neither side made.
func TestThroughSocat(t *testing.T) {
	b := newBench(t)
	must(t, b.sim.Close())
	dir := t.TempDir()
	ours, theirs := filepath.Join(dir, "terminal"), filepath.Join(dir, "reader")
	startSocat(t, ours, theirs)
	var err error
	b.sim, err = devicesim.Start(b.nvm, devicesim.Options{TTY: theirs, Ack: calm})
	must(t, err)
	b.link = ours
	r := b.reader()
	_, err = b.sim.Generate(200)
	must(t, err)
	_, err = r.Follow(testContext(t), 0)
	must(t, err)
	collect(t, r, 200)
	_, err = b.erase(r)
	must(t, err)
	must(t, r.Reboot(testContext(t)))
	if left := b.answering(r); len(left) > 0 {
		t.Errorf("slots %v answer", left)
	}
}

// startSocat needs socat: without it this test fails, since the project's reader line is promised to work there.
func startSocat(t *testing.T, a, b string) {
	t.Helper()
	socat := exec.CommandContext(t.Context(), "socat", "-d", "-d", "pty,raw,echo=0,link="+a, "pty,raw,echo=0,link="+b)
	messages, err := socat.StderrPipe()
	must(t, err)
	must(t, socat.Start())
	t.Cleanup(func() {
		_ = socat.Process.Signal(os.Interrupt) // it may have ended with the context
		_ = socat.Wait()                       // by a signal
	})
	for lines := bufio.NewScanner(messages); lines.Scan(); {
		if strings.Contains(lines.Text(), "starting data transfer loop") {
			return
		}
	}
	t.Fatal("socat did not start")
}
