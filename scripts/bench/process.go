package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"unbindd/scripts/fleet"
)

// patience bounds every wait for a sign; it is no measure of speed.
const patience = 60 * time.Second

// process is one running program; its lines on stdout are signs to wait for,
// the end of its stderr is kept for whoever has to explain a failure.
type process struct {
	name  string
	cmd   *exec.Cmd
	lines chan string
	done  chan struct{}
	log   fleet.Tail
}

// program is the path of a program of this run, or the name of a stock one.
func (b *bench) program(name string) string {
	path := filepath.Join(b.bin, name)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	return name
}

// start starts a program in dir and waits for a line that has the sign in it;
// the rest of that line is returned. A killed bench takes it along.
func (b *bench) start(dir, sign, name string, args ...string) (p *process, rest string, err error) {
	p = &process{name: name, lines: make(chan string, 64), done: make(chan struct{})}
	p.cmd = exec.Command(b.program(name), args...)
	p.cmd.Dir = dir
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p.cmd.Stderr = &p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, "", fmt.Errorf("cannot start %s: %w", name, err)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, "", fmt.Errorf("cannot start %s: %w", name, err)
	}
	go p.read(out)
	rest, err = p.sign(b.ctx, sign)
	if err != nil {
		return nil, "", errors.Join(err, p.stop())
	}
	return p, rest, nil
}

// read passes the lines on as long as somebody takes them.
func (p *process) read(out io.Reader) {
	sc := bufio.NewScanner(out)
	for sc.Scan() {
		select {
		case p.lines <- sc.Text():
		default:
		}
	}
	// How it ended is asked only of programs that have to end by themselves.
	_ = p.cmd.Wait()
	close(p.done)
}

// sign waits for a line that has the sign in it. A program may say it and end:
// read has passed every line on before done is closed.
func (p *process) sign(ctx context.Context, sign string) (string, error) {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	for {
		select {
		case line := <-p.lines:
			if _, rest, found := strings.Cut(line, sign); found {
				return strings.TrimSpace(rest), nil
			}
		case <-p.done:
			if len(p.lines) == 0 {
				return "", fmt.Errorf("%s ended before it said %q:\n%s", p.name, sign, p.log.String())
			}
		case <-ctx.Done():
			return "", fmt.Errorf("%s did not say %q:\n%s", p.name, sign, p.log.String())
		}
	}
}

// stop asks the program to end and waits until it has.
func (p *process) stop() error {
	if p == nil {
		return nil
	}
	select {
	case <-p.done:
		return nil
	default:
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("cannot end %s: %w", p.name, err)
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(patience):
		return errors.Join(fmt.Errorf("%s did not end when it was asked", p.name), p.cmd.Process.Kill())
	}
}

// call runs a program in dir to its end and returns what it printed.
func (b *bench) call(dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(b.ctx, b.program(name), args...)
	cmd.Dir = dir
	var problems fleet.Tail
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("cannot run %s %s: %w\n%s", name, strings.Join(args, " "), err, problems.String())
	}
	return string(out), nil
}
