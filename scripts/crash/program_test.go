//go:build (amd64 || arm64) && !android

package crash

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"strings"
	gosync "sync"
	"syscall"
	"time"
)

// patience bounds a wait for a sign. It is no measure of speed.
const patience = 90 * time.Second

// program is one of our programs, running. Its lines on standard output are
// signs to wait for; what it logs is kept.
type program struct {
	name  string
	cmd   *exec.Cmd
	lines chan string
	done  chan struct{}
	heard func(line string) // of the log, or nil

	mu  gosync.Mutex
	log bytes.Buffer
}

func start(heard func(string), path string, args ...string) (*program, error) {
	p := &program{name: path[strings.LastIndexByte(path, '/')+1:], lines: make(chan string, 1024), done: make(chan struct{}), heard: heard}
	p.cmd = exec.Command(path, args...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	problems, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	var reading gosync.WaitGroup
	reading.Go(func() {
		defer close(p.lines)
		each(out, func(line string) {
			select {
			case p.lines <- line:
			default: // nobody waits for it any more
			}
		})
	})
	reading.Go(func() { each(problems, p.keep) })
	go func() {
		reading.Wait()
		_ = p.cmd.Wait() // how it ends is asked by nobody; that it was killed is no failure
		close(p.done)
	}()
	return p, nil
}

func each(r io.Reader, f func(string)) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		f(lines.Text())
	}
}

func (p *program) keep(line string) {
	p.mu.Lock()
	p.log.WriteString(line + "\n")
	p.mu.Unlock()
	if p.heard != nil {
		p.heard(line)
	}
}

// said is the end of what it logged.
func (p *program) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := p.log.String()
	return p.name + " said:\n" + text[max(0, len(text)-4000):]
}

// sign waits for a line that begins so, and returns the rest of it.
func (p *program) sign(prefix string) (string, error) {
	late := time.After(patience)
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				return "", fmt.Errorf("%s ended before it said %q; %s", p.name, prefix, p.said())
			}
			if rest, found := strings.CutPrefix(line, prefix); found {
				return strings.TrimSpace(rest), nil
			}
		case <-late:
			return "", fmt.Errorf("%s did not say %q; %s", p.name, prefix, p.said())
		}
	}
}

func (p *program) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// kill ends it at once, and returns when it is gone.
func (p *program) kill() {
	if p != nil && p.running() {
		_ = p.cmd.Process.Kill() // it may have ended just now
		<-p.done
	}
}

// call runs a program to its end.
func call(path string, args ...string) (string, error) {
	out, err := exec.Command(path, args...).CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s %s: %w\n%s", path, strings.Join(args, " "), err, out)
	}
	return string(out), nil
}
