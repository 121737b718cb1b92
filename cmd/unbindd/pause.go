package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
)

// pauses are the moments at which the daemon announces itself and waits, so
// that a test can cut the power exactly there. "settle:worked" is a moment of a
// step, "trade:worked#7" the seventh of its name.
type pauses struct {
	mu   sync.Mutex
	at   map[string]int
	seen map[string]int
	out  io.Writer
}

func newPauses(specs []string, out io.Writer) (*pauses, error) {
	p := &pauses{at: map[string]int{}, seen: map[string]int{}, out: out}
	for _, spec := range specs {
		name, count, numbered := strings.Cut(spec, "#")
		n := 1
		if numbered {
			var err error
			if n, err = strconv.Atoi(count); err != nil || n < 1 {
				return nil, fmt.Errorf("cannot pause at %q: the count is not a number from 1", spec)
			}
		}
		p.at[name] = n
	}
	return p, nil
}

// moment announces a moment that was asked for, and never comes back from it.
func (p *pauses) moment(name string) {
	p.mu.Lock()
	p.seen[name]++
	stop := p.at[name] == p.seen[name]
	p.mu.Unlock()
	if !stop {
		return
	}
	if _, err := fmt.Fprintf(p.out, "paused %s\n", name); err != nil {
		return // nobody listens, so nobody waits
	}
	select {}
}
