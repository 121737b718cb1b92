package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// memoryBound is what the daemon promises to stay under, in bytes.
const memoryBound = 64 << 20

// memoryEvery is how often a process is looked at.
const memoryEvery = 5 * time.Millisecond

// reading is the anonymous memory of a process at a moment.
type reading struct {
	at    int64 // Unix milliseconds
	bytes int64
}

// memory watches a process until it is asked to stop or the process ends.
type memory struct {
	stopped chan struct{}
	ended   chan struct{}
	seen    []reading // valid once ended is closed
}

func watchMemory(pid int) *memory {
	m := &memory{stopped: make(chan struct{}), ended: make(chan struct{})}
	go m.watch(pid)
	return m
}

func (m *memory) watch(pid int) {
	defer close(m.ended)
	tick := time.NewTicker(memoryEvery)
	defer tick.Stop()
	for {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			return // it has ended
		}
		if bytes, ok := anonymous(string(text)); ok {
			m.seen = append(m.seen, reading{time.Now().UnixMilli(), bytes})
		}
		select {
		case <-tick.C:
		case <-m.stopped:
			return
		}
	}
}

// stop ends the watch and returns what was seen.
func (m *memory) stop() []reading {
	close(m.stopped)
	<-m.ended
	return m.seen
}

// anonymous reads RssAnon, in bytes; a process that is ending has none.
func anonymous(status string) (int64, bool) {
	value, ok := strings.CutSuffix(field(status, "RssAnon"), " kB")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
	return n << 10, err == nil
}

// peak is the highest reading of a time; false if none fell into it.
func peak(seen []reading, from, to int64) (int64, bool) {
	highest, found := int64(0), false
	for _, r := range seen {
		if r.at >= from && r.at <= to {
			highest, found = max(highest, r.bytes), true
		}
	}
	return highest, found
}
