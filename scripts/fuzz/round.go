package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"
)

// report is the fuzzer's last line about how far it is.
var report = regexp.MustCompile(`elapsed: (\S+), execs: (\d+) \(\d+/sec\), new interesting: (\d+) \(total: (\d+)\)`)

// round fuzzes a target for some time with one worker, at the lowest priority,
// and adds what came of it to r. An input that breaks the target is no error
// here: it is what the round is for.
func (f *fuzz) round(ctx context.Context, t target, length time.Duration, r *result) error {
	program, err := f.build.forFuzzing(ctx, t.dir)
	if err != nil {
		return err
	}
	before, err := names(filepath.Join(f.tree.dir, t.seeds()))
	if err != nil {
		return err
	}
	fuzzer := exec.CommandContext(ctx, "nice", "-n", "19", program, "-test.run=^$", "-test.fuzz=^"+t.name+"$",
		"-test.fuzztime="+length.String(), "-test.parallel=1", "-test.fuzzcachedir="+f.corpus(t),
		"-test.fuzzminimizetime=10x") // or making each long input shorter takes a minute, in which nothing is tried
	fuzzer.Dir = filepath.Join(f.tree.dir, t.dir)
	fuzzer.Cancel = func() error { return fuzzer.Process.Signal(os.Interrupt) }
	fuzzer.WaitDelay = time.Minute
	fuzzer.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	var text bytes.Buffer
	fuzzer.Stdout, fuzzer.Stderr = &text, &text
	failed := fuzzer.Run()
	if fuzzer.ProcessState == nil {
		return failed
	}
	r.CPU += fuzzer.ProcessState.UserTime() + fuzzer.ProcessState.SystemTime()
	if err := r.add(text.Bytes()); err != nil {
		return errors.Join(err, failed)
	}
	found, err := f.found(t, before)
	r.Findings = append(r.Findings, found...)
	// At its end the fuzzer may take its own clock for a failure of the target.
	ended := ctx.Err() != nil || bytes.Contains(text.Bytes(), []byte("context deadline exceeded"))
	if err == nil && failed != nil && len(found) == 0 && !ended {
		err = fmt.Errorf("the fuzzer failed without an input: %w: %s", failed, tail(text.Bytes()))
	}
	return err
}

// add takes over the last report; a fuzzer that never reported was ended
// before it began.
func (r *result) add(text []byte) error {
	all := report.FindAllSubmatch(text, -1)
	if len(all) == 0 {
		return fmt.Errorf("the fuzzer reported nothing: %s", tail(text))
	}
	last := all[len(all)-1]
	elapsed, err := time.ParseDuration(string(last[1]))
	if err != nil {
		return err
	}
	executions, err := strconv.ParseInt(string(last[2]), 10, 64)
	if err != nil {
		return err
	}
	r.Time += elapsed
	r.Executions += executions
	return nil
}

// tail is the end of what a program said.
func tail(text []byte) []byte { return text[max(0, len(text)-2000):] }

// corpus is where the fuzzer keeps the inputs it finds interesting, apart from
// the seeds; they stay from run to run. Below it is a folder for each target.
func (f *fuzz) corpus(t target) string {
	return filepath.Join(filepath.Dir(f.tree.dir), "corpus", filepath.FromSlash(t.dir))
}

// found takes inputs that broke a target over into the working tree, where they
// belong among its seeds, and names them.
func (f *fuzz) found(t target, before map[string]bool) ([]string, error) {
	from := filepath.Join(f.tree.dir, t.seeds())
	after, err := names(from)
	if err != nil {
		return nil, err
	}
	var fresh []string
	for name := range after {
		if before[name] {
			continue
		}
		if err := copyFile(filepath.Join(t.seeds(), name), filepath.Join(from, name)); err != nil {
			return fresh, fmt.Errorf("cannot keep a finding: %w", err)
		}
		fresh = append(fresh, name)
	}
	return fresh, nil
}

// names lists a folder; one that is not there is empty.
func names(dir string) (map[string]bool, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	all := map[string]bool{}
	for _, e := range entries {
		all[e.Name()] = true
	}
	return all, nil
}

func copyFile(to, from string) (err error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	sink, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(sink, source)
	return errors.Join(err, sink.Close())
}
