package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"unbindd/agent/certificate"
)

// networkSales is how many transactions a terminal behind a bad network has.
const networkSales = 10

// networkRuns is how many unbindings go through it where nobody asks for more.
const networkRuns = 6

// networkAtOnce is how many go side by side.
const networkAtOnce = 6

// A whole unbinding through a network that delays, drops, doubles, cuts, bends,
// reorders, resets, refuses and lies, with the desk killed now and then: every one
// ends acknowledged, with one certificate and one receipt for each object. The
// seeds are fixed. NETWORK_RUNS says how many, NETWORK_FROM which is the first, so
// that a long run can be shared out or gone on with; NETWORK_BOOK is a file to
// which a line is added for every seed that ended, and whose seeds are not run again.
func TestNetwork(t *testing.T) {
	runs, first := numberIn(t, "NETWORK_RUNS", networkRuns), numberIn(t, "NETWORK_FROM", 1)
	book := openBook(t, os.Getenv("NETWORK_BOOK"))
	var mu sync.Mutex
	all, ended, asked := map[string]int{}, 0, 0
	seeds := make(chan int)
	var running sync.WaitGroup
	for range networkAtOnce { // most of a run is waiting, so they are more than there are processors
		running.Go(func() {
			for seed := range seeds {
				t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
					began := time.Now()
					n := throughTheNetwork(t, uint64(seed))
					book.write(t, seed, n, time.Since(began))
					mu.Lock()
					defer mu.Unlock()
					for name, times := range n.done {
						all[name] += times
					}
					asked += n.asked
					if !t.Failed() {
						ended++
					}
					t.Logf("ended after %d requests; %d of %d unbindings", n.asked, ended, runs)
				})
			}
		})
	}
	before := 0
	for seed := first; seed < first+runs; seed++ {
		if book.passed[seed] {
			before++
			continue
		}
		seeds <- seed
	}
	close(seeds)
	running.Wait()
	t.Logf("network: seeds %d to %d: %d passed before, %d of %d ended acknowledged with one certificate and one receipt an object; %d requests: %s",
		first, first+runs-1, before, ended, runs-before, asked, tally(all))
}

func numberIn(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func throughTheNetwork(t *testing.T, seed uint64) *network {
	w := newWorld(t, options{sales: networkSales, noTicket: true, plain: true})
	w.wait *= 3
	w.tickets = start(t, "unbind-desk", "tickets", "--dir", w.path("desk"), "--key", w.path("desk", "keys", "reader-1.pem"), "--every", "100ms", "--url", w.url)
	w.tickets.sign("ready")
	w.setting("  retry_min: 50ms\n  retry_max: 500ms\n", "  retry_min: 5ms\n  retry_max: 100ms\n")
	if seed%2 == 0 { // the sealed file in pieces
		w.setting("  retry_min", "  single: 0B\n  chunk: 1KiB\n  retry_min")
	}
	n := w.throughANetwork(seed)
	w.startDaemon()
	w.traded(networkSales)
	w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
	n.kill(int(seed % 3)) // from here on nobody but the terminal needs the desk
	s := w.unbound()
	n.quiet()
	if s.Tombstone == nil || s.Tombstone.Result != certificate.Complete || !s.Tombstone.Revealed {
		t.Errorf("tombstone %+v", s.Tombstone)
	}
	n.proves()
	w.provesComplete(networkSales)
	return n
}
