package main

import (
	"slices"
	"time"
)

// rungs is the seconds that an erase spent on each of its operations.
type rungs map[string]float64

// stopwatch splits the time of an erase by what it says it does next.
type stopwatch struct {
	split rungs
	doing string
	since time.Time
}

// beginning is what comes before the first operation that is told.
const beginning = "look"

func newStopwatch() *stopwatch {
	return &stopwatch{split: rungs{}, doing: beginning, since: time.Now()}
}

func (s *stopwatch) note(op string) {
	now := time.Now()
	s.split[s.doing] += now.Sub(s.since).Seconds()
	s.doing, s.since = op, now
}

func (s *stopwatch) stop() rungs {
	s.note("")
	return s.split
}

// rungRows is a row for each rung, the longest first.
func rungRows(all []rungs, whole sample) (rows [][]string) {
	samples := map[string]sample{}
	var names []string
	for i, split := range all {
		for name := range split {
			if _, ok := samples[name]; !ok {
				names = append(names, name)
				samples[name] = make(sample, len(all))
			}
			samples[name][i] = split[name]
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		switch x, y := samples[a].median(), samples[b].median(); {
		case x > y:
			return -1
		case x < y:
			return 1
		case a < b:
			return -1
		}
		return 1
	})
	for _, name := range names {
		rows = append(rows, []string{name, samples[name].told(seconds), share(samples[name].over(whole))})
	}
	return append(rows, []string{"**whole**", whole.told(seconds), ""})
}
