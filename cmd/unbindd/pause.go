package main

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
)

// pauses are the moments at which the daemon announces itself and waits, so
// that a test can cut the power exactly there. "settle:worked" is a moment of a
// step, "trade:worked#7" the seventh of its name. A line on the way in lets it
// go on, so that a test can change the world meanwhile.
type pauses struct {
	mu   sync.Mutex
	at   map[string]int
	seen map[string]int
	out  io.Writer
	in   *bufio.Reader
}

func newPauses(specs []string, out io.Writer, in io.Reader) (*pauses, error) {
	p := &pauses{at: map[string]int{}, seen: map[string]int{}, out: out, in: bufio.NewReader(in)}
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

// moment announces a moment that was asked for, and comes back from it only when
// it is told to.
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
	if _, err := p.in.ReadString('\n'); err != nil {
		select {} // nobody is there to tell it
	}
}
