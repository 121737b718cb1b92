package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"unbindd/agent/local"
)

const (
	baud        = 115200
	bitsAByte   = 10 // start, eight, stop
	pacedRounds = 3
	pacedSales  = 200
)

// crossed is what has passed a line at a moment: bytes toward the terminal and
// away from it.
type crossed struct{ up, down int64 }

// paced measures transactions per second on a line of 115200 baud, beside what
// such a line can carry: socat joins two ptys and keeps what passes, so that
// the bytes are counted and not estimated.
func (b *bench) paced() (err error) {
	var joint *process
	t, err := b.newTerminal(func(t *terminal) (string, error) {
		tty, p, err := t.join()
		joint = p
		return tty, err
	})
	if err != nil {
		return errors.Join(err, joint.stop())
	}
	defer func() { err = errors.Join(err, t.end(), joint.stop()) }()
	if err := t.run(); err != nil {
		return err
	}
	var ours, could, up, down sample
	for range pacedRounds {
		rate, passed, err := t.window()
		if err != nil {
			return err
		}
		ours = append(ours, rate)
		up = append(up, float64(passed.up)/pacedSales)
		down = append(down, float64(passed.down)/pacedSales)
		could = append(could, baud/bitsAByte/(float64(passed.up)/pacedSales))
	}
	b.page.add(table{
		title: "Transactions through a line of 115200 baud",
		intro: fmt.Sprintf("The same, with readersim taking the time that each byte takes at this speed, and socat between the two, which counts\nthe bytes; windows of %d transactions, %d rounds. The baseline is the line itself: %s bytes a second, filled without a\npause with exactly the bytes that came from the reader, frames and MACs included.",
			pacedSales, pacedRounds, thousands(baud/bitsAByte)),
		head: []string{"unbindd, durable, per second", "the line can carry", "ours / line", "bytes from the reader, each", "bytes to the reader, each"},
		rows: [][]string{{ours.told(times), could.told(times), ours.over(could).told(times), up.told(whole), down.told(whole)}},
	})
	return nil
}

// join makes a line out of two ptys and switches a paced reader on at its end.
func (t *terminal) join() (tty string, p *process, err error) {
	tty = filepath.Join(t.sockets, "tty")
	far := filepath.Join(t.sockets, "far")
	// What it says goes to stderr, where nobody waits for a sign.
	p, _, err = t.b.start(t.dir, "starting data transfer loop", "bash", "-c", `exec socat -d -d "$@" 2>&1`, "socat",
		"-r", "down", "-R", "up", "pty,raw,echo=0,link="+tty, "pty,raw,echo=0,link="+far)
	if err != nil {
		return "", nil, err
	}
	more := fmt.Sprint((pacedRounds + 1) * pacedSales)
	return tty, p, t.switchOn("--tty", far, "--baud-pace", fmt.Sprint(baud), "--generate", more)
}

// window takes the time of so many transactions, and what crossed meanwhile.
func (t *terminal) window() (rate float64, passed crossed, err error) {
	first, before := 0, crossed{}
	began, err := t.until("transactions", func(s local.Status) bool { first = held(s); return first > 0 })
	if err == nil {
		before, err = t.crossed()
	}
	if err != nil {
		return 0, passed, err
	}
	if rate, err = t.rate(began, first, first+pacedSales); err != nil {
		return 0, passed, err
	}
	after, err := t.crossed()
	return rate, crossed{after.up - before.up, after.down - before.down}, err
}

// crossed reads how long the records of the line are by now.
func (t *terminal) crossed() (crossed, error) {
	up, err := os.Stat(t.path("up"))
	if err != nil {
		return crossed{}, err
	}
	down, err := os.Stat(t.path("down"))
	if err != nil {
		return crossed{}, err
	}
	return crossed{up.Size(), down.Size()}, nil
}
