package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"unbindd/agent/local"
)

const (
	lineRounds = 5
	lineSales  = 5000
	boltWrites = 400 // of the baseline in one round
)

// line measures durable transactions per second over a pty that is as fast as
// it goes. The reader holds them all before the daemon starts, so that making
// them is not measured.
func (b *bench) line() (err error) {
	t, err := b.newTerminal(func(t *terminal) (string, error) { return t.plug() })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.end()) }()
	bolt, err := b.boltAlone()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bolt.close()) }()
	var ours, base sample
	for round := range lineRounds {
		v, err := bolt.perSecond()
		if err != nil {
			return err
		}
		base = append(base, v)
		if v, err = t.drainRate(round * lineSales); err != nil {
			return err
		}
		ours = append(ours, v)
	}
	b.page.add(table{
		title: "Transactions through the serial line, as fast as it goes",
		intro: fmt.Sprintf("unbindd and readersim on a pty: each transaction crosses the line in a frame with CRC and MAC, is checked, sealed,\nchained and committed, and only then acknowledged; the events that wait share a commit. Per second, over %s transactions\nin each of %d rounds. The baseline stores records of the same form with one bbolt `Update` each, and no line, MAC or cipher.",
			thousands(lineSales), lineRounds),
		head: []string{"unbindd, durable", "bbolt Update", "ours / bbolt"},
		rows: [][]string{{ours.told(whole), base.told(whole), ours.over(base).told(times)}},
	})
	return nil
}

func (b *bench) boltAlone() (*contender, error) {
	dir := filepath.Join(b.work, "line")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	return openBolt(dir)
}

// perSecond is how many records a contender stores, each by itself.
func (c *contender) perSecond() (float64, error) {
	took, err := c.round(1, boltWrites)
	total := 0.0
	for _, v := range took {
		total += v
	}
	return float64(len(took)) / total, err
}

// drainRate has the reader make transactions, then starts the daemon and takes
// the time from the first of them that are in its ledger to the last.
func (t *terminal) drainRate(before int) (rate float64, err error) {
	if err := t.ask("generate", strconv.Itoa(lineSales)); err != nil {
		return 0, err
	}
	if err := t.run(); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, t.daemon.stop()) }()
	first := 0
	began, err := t.until("the first transactions", func(s local.Status) bool { first = held(s); return first > before })
	if err != nil {
		return 0, err
	}
	return t.rate(began, first, before+lineSales)
}

// rate waits until there are so many transactions and returns how many a second
// there were since.
func (t *terminal) rate(began time.Time, first, last int) (float64, error) {
	reached := 0
	ended, err := t.until(fmt.Sprintf("%d transactions", last), func(s local.Status) bool { reached = held(s); return reached >= last })
	return float64(reached-first) / ended.Sub(began).Seconds(), err
}
