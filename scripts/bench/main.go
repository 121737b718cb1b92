// Command bench takes the figures of docs/BENCHMARKS.md: it builds the four
// programs as they are shipped, runs every measurement with real files, real
// processes and a real line, and writes the page anew.
//
// It promises: every number on the page was measured in that one run; every
// number of ours stands beside a baseline that was measured between its own
// rounds, on the same file system; and the page is replaced only when
// everything was measured. It judges what is promised: memory, a quiet line, the
// shares of the line, growth, the time of an erase. Past one the page says so and
// the exit code is 1.
//
//	main.go      the order of the measurements
//	builds.go    the programs, stripped; their sizes
//	machine.go   where it ran
//	process.go   programs: start, wait for a sign, end
//	terminal.go  a desk, a reader and an enrolled terminal, of real programs
//	append.go    one durable append, beside a plain file and plain bbolt
//	line.go      transactions through the serial line
//	socat.go     a line whose bytes are counted
//	speeds.go    the same at three speeds, by the daemon's own count of bytes
//	roundtrip.go a question there and back, through package device
//	flat.go      a million events: memory, goroutines; idle.go: none at all
//	fill.go      a ledger of any length, through ledger.Append
//	unbind.go    an unbinding, split by step; steps.go its times
//	memory.go    anonymous memory of a process, all the while
//	ledger.go    a ledger while it grows to five million records; ledgerpage.go its tables
//	wipe.go      one erase, beside dd and shred; wipedisk.go their device; rungs.go its time
//	desk.go      the desk's whole path; deskraw.go raw bbolt, deskreference.go the path of the facts, deskpage.go their tables
//	fleet.go     ten thousand terminals at one desk
//	stock.go     the same work by stock tools: zstd, age, dd
//	startup.go   from exec to ready
//	sample.go    medians and ratios
//	page.go      tables; figures.go which there are
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"unbindd/scripts/fleet"
)

// bound ends a run that takes longer than promised; the reader's line has a
// million events to carry twice over.
func (o options) bound() time.Duration {
	if o.reader || o.wipe || o.ledger || o.desk || o.fleet {
		return 25 * time.Minute
	}
	return 10 * time.Minute
}

// options are the flags.
type options struct {
	quick     bool
	reader    bool
	wipe      bool
	parts     string
	ledger    bool
	desk      bool
	fleet     bool
	act       string
	in        string
	terminals int
	small     int
	large     int
	out       string
}

func main() {
	var o options
	flag.BoolVar(&o.quick, "quick", false, "leave the large ledger out, and write bench-out/BENCHMARKS.md instead of the page in docs/")
	flag.BoolVar(&o.reader, "reader", false, "measure the reader's line alone, and write docs/BENCHMARKS-READER.md")
	flag.BoolVar(&o.wipe, "wipe", false, "measure the erase alone, beside dd and shred, as root, and write docs/BENCHMARKS-WIPE.md")
	flag.StringVar(&o.parts, "parts", "", "with -wipe: some of file,ledger,unbind; the page is then bench-out/BENCHMARKS-WIPE.md")
	flag.BoolVar(&o.ledger, "ledger", false, "measure a ledger of five million records alone, and write docs/BENCHMARKS-LEDGER.md")
	flag.BoolVar(&o.desk, "desk", false, "measure the desk's whole path alone, and write its part of docs/BENCHMARKS-DESK.md")
	flag.BoolVar(&o.fleet, "fleet", false, "let ten thousand terminals at one desk, and write its part of docs/BENCHMARKS-DESK.md")
	flag.IntVar(&o.terminals, "terminals", 10_000, "terminals of -fleet")
	flag.StringVar(&o.act, "act", "", "with -in: do one thing to a ledger and say what it took (what a measurement starts)")
	flag.StringVar(&o.in, "in", "", "the folder of keys and ledger for -act")
	flag.IntVar(&o.small, "small", 10_000, "transactions in the small ledger")
	flag.IntVar(&o.large, "large", 1_000_000, "transactions in the large ledger; 0: none")
	flag.StringVar(&o.out, "out", "", "page to write (default docs/BENCHMARKS.md, with -quick bench-out/BENCHMARKS.md)")
	flag.Parse()
	do := func() error { return run(o.settled()) }
	if o.act != "" {
		do = func() error { return actIn(o.act, o.in) }
	}
	if err := do(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (o options) settled() options {
	if o.quick {
		o.large = 0
	}
	if o.out == "" && o.reader {
		o.out = filepath.Join("docs", "BENCHMARKS-READER.md")
	}
	if o.out == "" && (o.desk || o.fleet) {
		o.out = filepath.Join("docs", "BENCHMARKS-DESK.md")
	}
	if o.out == "" && o.ledger {
		o.out = filepath.Join("docs", "BENCHMARKS-LEDGER.md")
	}
	if o.out == "" && o.wipe && o.parts != "" {
		o.out = filepath.Join(benchOut, "BENCHMARKS-WIPE.md")
	}
	if o.out == "" && o.wipe {
		o.out = filepath.Join("docs", "BENCHMARKS-WIPE.md")
	}
	if o.out == "" {
		o.out = filepath.Join("docs", "BENCHMARKS.md")
		if o.quick {
			o.out = filepath.Join(benchOut, "BENCHMARKS.md")
		}
	}
	return o
}

// benchOut is where everything lies while it is measured: in the tree, because
// a temporary folder may be memory, where nothing is ever flushed.
const benchOut = "bench-out"

// bench is one run.
type bench struct {
	options
	ctx     context.Context
	began   time.Time
	work    string // absolute; on the file system that is measured
	sockets string // absolute and short, as socket names must be
	bin     string // the programs of this run
	page    page
}

func run(o options) (err error) {
	if _, err := os.Stat(filepath.Join("cmd", "unbindd")); err != nil {
		return errors.New("cannot begin: call it from the top of the repository, as make bench does")
	}
	if err := o.needsRoot(); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, o.bound(), fmt.Errorf("it took longer than %s", o.bound()))
	defer cancel()
	b := &bench{options: o, ctx: ctx, began: time.Now()}
	if err := b.prepare(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.work), os.RemoveAll(b.sockets)) }()
	if err := b.measure(); err != nil {
		if ctx.Err() != nil {
			err = errors.Join(context.Cause(ctx), err)
		}
		return err
	}
	if err := b.writePage(); err != nil {
		return err
	}
	b.say("written: %s", o.out)
	return b.page.broken
}

func (b *bench) prepare() error {
	if err := os.MkdirAll(benchOut, 0o755); err != nil {
		return err
	}
	top, err := filepath.Abs(benchOut)
	if err != nil {
		return err
	}
	if b.work, err = os.MkdirTemp(top, "run-"); err != nil {
		return err
	}
	b.bin = filepath.Join(b.work, "bin")
	b.sockets, err = os.MkdirTemp("", "bench")
	return err
}

// measure takes every figure. What must be built is built first, so that no
// compiler runs beside a measurement; then the short ones come before the long:
// what is wrong with a machine shows there, not after minutes.
func (b *bench) measure() error {
	all := b.whole()
	if b.reader {
		all = b.readerLine()
	}
	if b.wipe {
		all = b.wiping()
	}
	if b.ledger {
		all = b.longLedgers()
	}
	if b.desk {
		all = b.desks()
	}
	if b.fleet {
		all = b.fleets()
	}
	for _, m := range all {
		b.say("%s", m.what)
		if err := m.do(); err != nil {
			return fmt.Errorf("cannot %s: %w", m.what, err)
		}
	}
	return nil
}

// measurement is one of a run.
type measurement struct {
	what string
	do   func() error
}

func (b *bench) whole() []measurement {
	return []measurement{
		{"build the programs", b.build},
		{"weigh the programs", b.sizes},
		{"describe the machine", b.describe},
		{"append", b.appends},
		{"start", b.startups},
		{"trade over the line", b.line},
		{"trade at 115200 baud", b.paced},
		{fmt.Sprintf("unbind %s transactions", thousands(b.small)), func() error { return b.unbindings(b.small, smallRounds) }},
		{fmt.Sprintf("unbind %s transactions", thousands(b.large)), func() error { return b.unbindings(b.large, largeRounds) }},
	}
}

// readerLine is what make bench-reader takes.
func (b *bench) readerLine() []measurement {
	return []measurement{
		{"build the programs", b.build},
		{"describe the machine", b.describe},
		{"watch an idle line", b.idle},
		{"ask there and back", b.roundTrips},
		{"trade at three speeds", b.speeds},
		{"trade over the line", b.line},
		{fmt.Sprintf("take %s events into a ledger", thousands(million)), b.flatDaemon},
		{fmt.Sprintf("take %s events without a ledger", thousands(million)), b.flatDriver},
	}
}

// writePage writes the page, or the part of it that this run is about.
func (b *bench) writePage() error {
	switch {
	case b.desk:
		return fleet.Section(b.out, "bench-desk", b.page.part())
	case b.fleet:
		return fleet.Section(b.out, "fleet", b.page.part())
	}
	return b.page.write(b.out)
}

// say tells the person who waits.
func (b *bench) say(format string, args ...any) {
	fmt.Printf("%5.1fs  %s\n", time.Since(b.began).Seconds(), fmt.Sprintf(format, args...))
}

// left is how much of the time is not used up.
func (b *bench) left() time.Duration { return b.bound() - time.Since(b.began) }
