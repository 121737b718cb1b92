package main

import (
	"errors"
	"fmt"
	"time"
)

const startRounds = 9

// startups measures exec to ready: the daemon of an enrolled terminal, whose
// local API then answers, beside a program that prints one word.
func (b *bench) startups() (err error) {
	t, err := b.newTerminal(func(t *terminal) (string, error) { return t.plug() })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.end()) }()
	var ours, least sample
	for range startRounds {
		v, err := b.startup(t.dir, "hello")
		if err != nil {
			return err
		}
		least = append(least, v)
		if v, err = b.startup(t.dir, "unbindd", "run", "--config", "unbindd.yaml"); err != nil {
			return err
		}
		ours = append(ours, v)
	}
	b.page.add(table{
		title: "Start",
		intro: fmt.Sprintf("From exec to the line `ready`, which unbindd prints when it has read its settings, checked trust and binding, opened\njournal and keys, and its local API answers; %d rounds. The baseline is a Go program that prints one word.", startRounds),
		head:  []string{"unbindd", "baseline", "ours / baseline"},
		rows:  [][]string{{ours.told(seconds), least.told(seconds), ours.over(least).told(times)}},
	})
	return nil
}

// startup starts a program, waits for its word, and ends it again.
func (b *bench) startup(dir, name string, args ...string) (float64, error) {
	began := time.Now()
	p, _, err := b.start(dir, "ready", name, args...)
	took := time.Since(began).Seconds()
	if err != nil {
		return 0, err
	}
	return took, p.stop()
}
