// Command unbindctl is the technician's tool on the terminal: it asks the
// daemon on its Unix socket, hands signed files in, follows an unbinding to its
// end and checks a certificate without any daemon.
//
// It promises to decide nothing itself: what runs, runs in the daemon, and
// leaving this tool never stops an unbinding. What was asked for goes to
// standard output, everything else to standard error; --json keeps its form
// (fields are only ever added), and the exit code follows one table. No colour
// is ever used.
//
//	main.go        the process: signals, the real streams
//	tool.go        one run: streams, settings, the client
//	root.go        the root command, its flags and its help
//	exit.go        the exit codes: one table, one function
//	complain.go    what an error says on standard error
//	language.go    two languages side by side, and which one is spoken
//	paper.go       lines, columns and JSON on a stream
//	terms.go       words of the API in both languages
//	steps.go       the steps of the plan in both languages
//	figures.go     bytes, money, times and durations for people
//	status.go plan.go explain.go challenge.go load.go cancel.go watch.go
//	verify.go completion.go man.go version.go   one verb each
//	qr.go          a QR code in half-block characters
//	follow.go      the loop behind watch: ask, listen, wait for the daemon
//	ending.go      when an unbinding is over, and what that is worth
//	lines.go panel.go ndjson.go   what watch draws: lines, a live page, events
//	dossier.go     the files that verify reads
//	examine.go     the checks of verify: trust, binding, certificates
//	surround.go    the checks of what surrounds a certificate
//	index.go       the desk's list of all files of a case
//	record.go      the reader's signed erase record
//	tell.go        a certificate in words
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"
)

// version is set by the build (-X main.version).
var version = "unknown"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	t := &tool{
		in: os.Stdin, out: &paper{to: os.Stdout}, err: &paper{to: os.Stderr},
		env: os.Getenv, now: time.Now, screen: screenOf(os.Stdout, os.Getenv("TERM")),
	}
	code := t.run(ctx, os.Args[1:])
	stop()
	os.Exit(int(code))
}

// screenOf says whether a page can be redrawn in place on f; TERM=dumb cannot.
func screenOf(f *os.File, kind string) screen {
	fd := int(f.Fd())
	if kind == "dumb" || !term.IsTerminal(fd) {
		return screen{}
	}
	return screen{live: true, size: func() (columns, rows int) {
		columns, rows, err := term.GetSize(fd)
		if err != nil || columns < 20 || rows < 5 {
			return 80, 24
		}
		return columns, rows
	}}
}
