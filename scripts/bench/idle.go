package main

import (
	"errors"
	"fmt"
	"time"

	"unbindd/agent/local"
)

const (
	idleTime  = 60 * time.Second
	idleBound = 0.5 // percent of one processor
)

// idle measures what a daemon costs whose reader has nothing to say, beside the
// same daemon whose reader is gone.
func (b *bench) idle() (err error) {
	t, err := b.newTerminal(func(t *terminal) (string, error) {
		t.quiet = true
		return t.plug()
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.end()) }()
	if err := t.run(); err != nil {
		return err
	}
	if _, err := t.until("a ready reader", func(s local.Status) bool { return s.Reader.State == "ready" }); err != nil {
		return err
	}
	ready, err := t.share(idleTime)
	if err != nil {
		return err
	}
	if err := t.ask("unplug"); err != nil {
		return err
	}
	if _, err := t.until("a lost reader", func(s local.Status) bool { return s.Reader.State != "ready" }); err != nil {
		return err
	}
	gone, err := t.share(idleTime)
	if err != nil {
		return err
	}
	word := "within"
	if ready >= idleBound || gone >= idleBound {
		word = "**past**"
		b.page.broken = errors.Join(b.page.broken, fmt.Errorf("unbindd takes %.2f %% of a processor with a quiet reader, %.2f %% without one; the bound is %.1f %%", ready, gone, idleBound))
	}
	b.page.add(table{
		title: "A quiet line",
		intro: fmt.Sprintf("Processor time of unbindd over %s, user and system, in percent of one processor: its reader ready and silent, asked every\n10 s whether it lives; then the line gone, looked for again and again. The bound is %.1f %%.", idleTime, idleBound),
		head:  []string{"reader ready", "line gone", ""},
		rows:  [][]string{{percent(ready), percent(gone), word}},
	})
	return nil
}

func percent(v float64) string { return fmt.Sprintf("%.2f %%", v) }

// share is how much of one processor the daemon takes, in percent, over a time.
func (t *terminal) share(over time.Duration) (float64, error) {
	before, err := used(t.daemon.pid())
	if err != nil {
		return 0, err
	}
	began, wait := time.Now(), time.NewTimer(over)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-t.b.ctx.Done():
		return 0, t.b.ctx.Err()
	}
	after, err := used(t.daemon.pid())
	return 100 * (after - before).Seconds() / time.Since(began).Seconds(), err
}
