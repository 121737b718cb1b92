// Command fuzz gives every decoder of the house its time under the fuzzer and
// writes down in docs/FUZZING.md what came of it.
//
// It promises: what is fuzzed is a commit, not a tree that changes meanwhile;
// every figure on the page was measured, and stands beside the time and the
// commit it was measured in; a target that has had its time at a commit is not
// run again there, so a run that was ended goes on where it was; an input that
// breaks a decoder is put among the seeds of its target in the working tree,
// and the exit code is 1.
//
//	main.go      flags, and the order of things
//	tree.go      the commit, unpacked; the targets in it
//	decoders.go  what each target reads, and which functions read it
//	build.go     test programs: for the fuzzer, and to count statements
//	round.go     one target under the fuzzer
//	count.go     which statements of its decoder the inputs reach
//	state.go     what is known, kept from run to run
//	page.go      docs/FUZZING.md; kept.go the rows of it that stay
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"time"
)

// out is where everything lies that is not committed: trees, programs, inputs
// that were found, and state.
const out = "fuzz-out"

// options are the flags.
type options struct {
	time   time.Duration
	only   string
	jobs   int
	commit string
	page   string
}

func main() {
	var o options
	flag.DurationVar(&o.time, "time", 10*time.Minute, "time of each target; 0: only write the page of what is known")
	flag.StringVar(&o.only, "only", "", "regular expression on `folder target`, as in '^device Fuzz(T1|ATR)$'")
	flag.IntVar(&o.jobs, "jobs", 2, "targets at the same time, each with one worker")
	flag.StringVar(&o.commit, "commit", "HEAD", "what to fuzz")
	flag.StringVar(&o.page, "page", filepath.Join("docs", "FUZZING.md"), "page to write")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		os.Exit(1)
	}
}

// fuzz is one run.
type fuzz struct {
	options
	tree  tree
	build builds

	mu    sync.Mutex // everything below
	known state
	kept  map[string]keptRow // of the page as it stood
}

func run(o options) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	chosen, err := regexp.Compile(o.only)
	if err != nil {
		return fmt.Errorf("cannot choose targets: %w", err)
	}
	f := &fuzz{options: o}
	if f.known, err = readState(); err != nil {
		return err
	}
	if f.tree, err = unpack(o.commit); err != nil {
		return err
	}
	f.build.tree = f.tree
	targets, err := targetsOf(os.DirFS(f.tree.dir))
	if err != nil {
		return err
	}
	err = f.all(ctx, targets, chosen)
	return errors.Join(err, f.write(targets), f.known.findings(targets))
}

// all lets the targets take turns. What is wrong with one of them does not end
// the others; being told to end does.
func (f *fuzz) all(ctx context.Context, targets []target, chosen *regexp.Regexp) error {
	var wait sync.WaitGroup
	next := make(chan target)
	failed := make(chan error, len(targets))
	for range f.jobs {
		wait.Go(func() {
			for t := range next {
				if err := f.one(ctx, t); err != nil && ctx.Err() == nil {
					fmt.Fprintf(os.Stderr, "%s: %v\n", t, err) // at once: the others take long
					failed <- fmt.Errorf("%s: it was not fuzzed to its end", t)
				}
			}
		})
	}
	for _, t := range targets {
		if chosen.MatchString(t.String()) && ctx.Err() == nil {
			next <- t
		}
	}
	close(next)
	wait.Wait()
	close(failed)
	var all error
	for err := range failed {
		all = errors.Join(all, err)
	}
	return all
}

// one gives a target what it still lacks of its time, and counts. A target that
// broke is done with at this commit: it would only break again.
func (f *fuzz) one(ctx context.Context, t target) error {
	r := f.recall(t)
	if left := f.time - r.Time; left > 0 && len(r.Findings) == 0 {
		if err := f.round(ctx, t, left, &r); err != nil {
			return err
		}
		if err := f.keep(t, r); err != nil {
			return err
		}
	}
	if f.time == 0 || len(r.Findings) > 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	if err := f.count(ctx, t, &r); err != nil {
		return err
	}
	fmt.Printf("%s: %s, %d executions, %d of %d statements\n", t, r.Time, r.Executions, r.Reached, r.Statements)
	return f.keep(t, r)
}
