package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// networkBook remembers, over many runs of the test, which seeds have passed: one
// line a seed, with what it took and every fault that it met.
type networkBook struct {
	path   string
	passed map[int]bool
	mu     sync.Mutex
}

func openBook(t *testing.T, path string) *networkBook {
	t.Helper()
	b := &networkBook{path: path, passed: map[int]bool{}}
	if path == "" {
		return b
	}
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return b
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var seed int
		var how string
		if _, err := fmt.Sscanf(lines.Text(), "seed %d %s", &seed, &how); err == nil {
			b.passed[seed] = how == "passed"
		}
	}
	return b
}

// write adds the line of a seed that ended, whichever way.
func (b *networkBook) write(t *testing.T, seed int, n *network, took time.Duration) {
	t.Helper()
	how := "passed"
	if t.Failed() {
		how = "failed"
	}
	if b.path == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	f, err := os.OpenFile(b.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	line := fmt.Sprintf("seed %d %s in %v, %d requests: %s", seed, how, took.Round(10*time.Millisecond), n.asked, tally(n.done))
	if _, err := fmt.Fprintln(f, strings.TrimSpace(line)); err != nil {
		t.Fatal(err)
	}
}
