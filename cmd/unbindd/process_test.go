package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait for a sign; it is no measure of speed.
const patience = 60 * time.Second

// process is one running program of ours; its lines on stdout are signs to wait
// for, its stderr is kept.
type process struct {
	t     *testing.T
	name  string
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string
	done  chan struct{}
	mu    sync.Mutex
	log   bytes.Buffer
}

// program is the path of a program of ours, or the name of a stock one.
func program(name string) string {
	if path := filepath.Join(programs, name); exists(path) {
		return path
	}
	return name
}

// start starts a program and ends it with the test, by its pid.
func start(t *testing.T, name string, args ...string) *process {
	t.Helper()
	p := &process{t: t, name: name, lines: make(chan string, 1024), done: make(chan struct{})}
	p.cmd = exec.Command(program(name), args...)
	p.cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0 halt_on_error=1")
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	p.cmd.Stderr = p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.read(out)
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, p.said())
		}
	})
	return p
}

func (p *process) read(out io.Reader) {
	sc := bufio.NewScanner(out)
	for sc.Scan() {
		p.lines <- sc.Text()
	}
	close(p.lines)
	// The exit status is asked for by whoever waits; a kill is no failure.
	_ = p.cmd.Wait()
	close(p.done)
}

// Write keeps what the program says on stderr.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// sign waits for a line that begins so, and returns the rest of it.
func (p *process) sign(prefix string) string {
	p.t.Helper()
	late := time.After(patience)
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				p.t.Fatalf("%s ended before it said %q:\n%s", p.name, prefix, p.said())
			}
			if rest, found := strings.CutPrefix(line, prefix); found {
				return strings.TrimSpace(rest)
			}
		case <-late:
			p.t.Fatalf("%s did not say %q:\n%s", p.name, prefix, p.said())
		}
	}
}

// goOn lets a paused daemon go on.
func (p *process) goOn() {
	p.t.Helper()
	if _, err := io.WriteString(p.in, "go on\n"); err != nil {
		p.t.Fatal(err)
	}
}

// kill is the power cut: SIGKILL, and gone when it returns.
func (p *process) kill() { p.end(syscall.SIGKILL) }

// stop asks the program to end, and waits until it has.
func (p *process) stop() { p.end(syscall.SIGTERM) }

func (p *process) end(sig syscall.Signal) {
	p.t.Helper()
	select {
	case <-p.done:
		return
	default:
	}
	if err := p.cmd.Process.Signal(sig); err != nil && err != os.ErrProcessDone {
		p.t.Errorf("cannot end %s: %v", p.name, err)
	}
	go func() { // whatever it still says is not waited for
		for range p.lines {
		}
	}()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Errorf("%s did not end", p.name)
	}
}

// stopChild asks the one child of a program to end, and waits for both.
func (p *process) stopChild() {
	p.t.Helper()
	pid := p.cmd.Process.Pid
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		p.t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		p.t.Fatal(err)
	}
	if err := syscall.Kill(child, syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	p.exits()
}

// exits waits for the end and returns the exit code.
func (p *process) exits() int {
	p.t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		p.t.Fatalf("%s did not end:\n%s", p.name, p.said())
		return -1
	}
}

// call runs a program to its end and returns stdout, stderr and the exit code.
func call(t *testing.T, name string, args ...string) (out, problems string, code int) {
	t.Helper()
	cmd := exec.Command(program(name), args...)
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	err := cmd.Run()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	return o.String(), e.String(), cmd.ProcessState.ExitCode()
}

// must is call for what cannot fail here.
func must(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, problems, code := call(t, name, args...)
	if code != 0 {
		t.Fatalf("%s %s: exit %d\n%s%s", name, strings.Join(args, " "), code, out, problems)
	}
	return out
}
