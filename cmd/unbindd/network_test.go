package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"

	"unbindd/agent/certificate"
)

// networkSales is how many transactions a terminal behind a bad network has.
const networkSales = 10

// networkRuns is how many unbindings go through it where nobody asks for more.
const networkRuns = 12

// networkAtOnce is how many go side by side.
const networkAtOnce = 6

// A whole unbinding through a network that delays, drops, doubles, cuts, bends,
// reorders, resets, refuses and lies, with the desk killed now and then: every one
// ends acknowledged, with one certificate and one receipt for each object. The
// seeds are fixed; NETWORK_RUNS asks for more of them, NETWORK_SEED for one.
func TestNetwork(t *testing.T) {
	runs, first := networkRuns, 1
	if text := os.Getenv("NETWORK_RUNS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		runs = n
	}
	if text := os.Getenv("NETWORK_SEED"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		runs, first = 1, n
	}
	var mu sync.Mutex
	all, ended, asked := map[string]int{}, 0, 0
	seeds := make(chan int)
	var running sync.WaitGroup
	for range networkAtOnce { // most of a run is waiting, so they are more than there are processors
		running.Go(func() {
			for seed := range seeds {
				t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
					n := throughTheNetwork(t, uint64(seed))
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
	for seed := first; seed < first+runs; seed++ {
		seeds <- seed
	}
	close(seeds)
	running.Wait()
	t.Logf("network: %d unbindings, %d ended acknowledged with one certificate and one receipt an object; %d requests: %s", runs, ended, asked, tally(all))
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
	n.mu.Lock()
	n.calm = true
	n.mu.Unlock()
	if s.Tombstone == nil || s.Tombstone.Result != certificate.Complete || !s.Tombstone.Revealed {
		t.Errorf("tombstone %+v", s.Tombstone)
	}
	n.proves()
	w.provesComplete(networkSales)
	return n
}
