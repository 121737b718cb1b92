//go:build (amd64 || arm64) && !android

package crash

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// foreign is a store that may not be imported from here: the test binary of its
// own package works in the mount and judges. It does so when CRASH_WORK names a
// work or CRASH_JUDGE is set; see the crash_test.go of that package.
type foreign struct {
	binary string
	env    []string             // of its judge
	attr   *syscall.SysProcAttr // the same
}

func build(t testing.TB, pkg string) foreign {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "foreign.test")
	if out, err := exec.Command("go", "test", "-c", "-ldflags=-s -w", "-o", binary, "../../"+pkg).CombinedOutput(); err != nil {
		t.Fatalf("cannot build %s: %v\n%s", pkg, err, out)
	}
	return foreign{binary: binary}
}

// recorded runs the work in a mount.
func (f foreign) recorded(t testing.TB, what string) trace {
	t.Helper()
	r := mounted(t)
	r.begin(t, filepath.Join(t.TempDir(), "trace"))
	if out, err := f.command(r, what).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", what, err, out)
	}
	return r.end(t)
}

func (f foreign) command(r *recorder, what string) *exec.Cmd {
	cmd := exec.Command(f.binary)
	if strings.HasPrefix(what, "Test") { // a work that needs all that a test has
		cmd.Args = append(cmd.Args, "-test.run=^"+what+"$")
	}
	cmd.Env = append(cmd.Environ(), "CRASH_WORK="+what, "CRASH_DIR="+r.mount)
	return cmd
}

// judge starts a judge; one that dies is a failure, and the next image gets another.
func (f foreign) judge(t testing.TB) func(dir string, told []string) error {
	idle := make(chan *judge, 64)
	t.Cleanup(func() {
		close(idle)
		for j := range idle {
			j.end()
		}
	})
	return func(dir string, told []string) error {
		var j *judge
		select {
		case j = <-idle:
		default:
			var err error
			if j, err = f.start(); err != nil {
				return err
			}
		}
		verdict, err := j.ask(dir, told)
		if err != nil {
			j.end()
			return fmt.Errorf("it died of it: %w", err)
		}
		idle <- j
		if verdict != "" {
			return errors.New(verdict)
		}
		return nil
	}
}

type judge struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func (f foreign) start() (*judge, error) {
	cmd := exec.Command(f.binary)
	cmd.Env = append(append(cmd.Environ(), "CRASH_JUDGE=1"), f.env...)
	cmd.SysProcAttr, cmd.Stderr = f.attr, os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &judge{cmd, in, bufio.NewReader(out)}, cmd.Start()
}

func (j *judge) ask(dir string, told []string) (verdict string, err error) {
	if err := json.NewEncoder(j.in).Encode(append([]string{dir}, told...)); err != nil {
		return "", err
	}
	line, err := j.out.ReadBytes('\n')
	if err != nil {
		return "", err
	}
	return verdict, json.Unmarshal(line, &verdict)
}

func (j *judge) end() {
	_ = j.in.Close()
	_ = j.cmd.Wait() // it ends with its input, or has died
}
