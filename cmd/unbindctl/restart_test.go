package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"unbindd/agent/local"
)

// waitFor reads lines until one contains the text.
func waitFor(t *testing.T, from *bufio.Scanner, text string) {
	t.Helper()
	for from.Scan() {
		if strings.Contains(from.Text(), text) {
			return
		}
	}
	t.Fatalf("the output ended before %q", text)
}

// TestRestartOnTheSocket takes the daemon away under a watch and puts another
// one in its place.
func TestRestartOnTheSocket(t *testing.T) {
	first := &daemon{statuses: []local.Status{obeying("seal-backup", local.Doing)}, events: gateEvents()}
	socket := t.TempDir() + "/s"
	if err := first.serve(socket); err != nil {
		t.Fatal(err)
	}
	reader, writer := io.Pipe()
	ended := make(chan exit, 1)
	var problems bytes.Buffer
	tool := &tool{
		in: strings.NewReader(""), out: &paper{to: writer}, err: &paper{to: &problems},
		env: func(string) string { return "" }, now: time.Now,
	}
	go func() {
		code := tool.run(t.Context(), []string{"watch", "--socket", socket})
		writer.Close()
		ended <- code
	}()
	out := bufio.NewScanner(reader)
	waitFor(t, out, "seal the backup")
	first.stop()
	waitFor(t, out, "does not answer")
	second := &daemon{statuses: []local.Status{obeying("tombstone", local.Doing), unbound("complete")}}
	if err := second.serve(socket); err != nil {
		t.Fatal(err)
	}
	defer second.stop()
	waitFor(t, out, "answers again")
	waitFor(t, out, "no way back after this line")
	waitFor(t, out, "the desk has seen the revealed number")
	if code := <-ended; code != exitDone || problems.Len() > 0 {
		t.Errorf("ended with %d: %s", code, &problems)
	}
}

// TestCtrlC sends the real signal to the real program.
func TestCtrlC(t *testing.T) {
	socket := start(t, &daemon{statuses: []local.Status{obeying("erase-data", local.Doing)}})
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, program)
	cmd.Args = []string{"unbindctl", "watch", "--socket", socket, "--lang", "en"}
	var problems bytes.Buffer
	cmd.Stderr = &problems
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out := bufio.NewScanner(stdout)
	waitFor(t, out, "erase the data")
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	for out.Scan() {
		t.Errorf("after the signal: %s", out.Text())
	}
	err = cmd.Wait()
	if cmd.ProcessState.ExitCode() != int(exitDetached) {
		t.Errorf("ended with %d, %v", cmd.ProcessState.ExitCode(), err)
	}
	if !strings.Contains(problems.String(), "Detached. The unbinding goes on in the daemon; it cannot be cancelled any more.") {
		t.Errorf("told %q", &problems)
	}
}
