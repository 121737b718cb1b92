package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"unbindd/agent/local"
	"unbindd/device"
)

const (
	million  = 1_000_000
	portions = 10
)

// flatDaemon has a million events go through reader, line, daemon and ledger,
// and looks after each tenth whether anything has grown.
func (b *bench) flatDaemon() (err error) {
	t, err := b.newTerminal(func(t *terminal) (string, error) { return t.plug() })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.end()) }()
	if err := t.run(); err != nil {
		return err
	}
	var body [][]string
	var highest []int64
	for i := range portions {
		row, most, err := t.portion((i + 1) * million / portions)
		if err != nil {
			return err
		}
		body, highest = append(body, row), append(highest, most)
	}
	if first, last := highest[1], highest[portions-1]; last > first+growth {
		b.page.broken = errors.Join(b.page.broken, fmt.Errorf("memory grew from %s to %s over %s events", mebibytes(first), mebibytes(last), thousands(million)))
	}
	b.page.add(table{
		title: fmt.Sprintf("%s events into a ledger", thousands(million)),
		intro: "One daemon and one reader, as fast as it goes; the reader makes a tenth, the daemon takes it over, and so on. The memory is\nthe highest `RssAnon` of unbindd in that tenth, asked for every " + memoryEvery.String() + ".",
		head:  []string{"events in the ledger", "per second", "anonymous memory, highest", "threads", "CPU of unbindd for 1,000"},
		rows:  body,
	})
	return nil
}

// growth is what the memory of two tenths may differ by, in bytes: a collection
// sooner or later.
const growth = 2 << 20

// heapGrowth is the same for the heap after a collection: a tenth of a byte an event.
const heapGrowth = 100_000

// portion has a tenth made and taken over.
func (t *terminal) portion(upTo int) (row []string, highest int64, err error) {
	watch := watchMemory(t.daemon.pid())
	before, err := used(t.daemon.pid())
	if err != nil {
		return nil, 0, err
	}
	// The daemon takes over while the reader still makes them; what is timed is both.
	began := time.Now()
	if err := t.ask("generate", strconv.Itoa(million/portions)); err != nil {
		return nil, 0, err
	}
	ended, err := t.until(thousands(upTo), func(s local.Status) bool { return held(s) >= upTo })
	if err != nil {
		return nil, 0, err
	}
	after, err := used(t.daemon.pid())
	if err != nil {
		return nil, 0, err
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", t.daemon.pid()))
	if err != nil {
		return nil, 0, err
	}
	for _, r := range watch.stop() {
		highest = max(highest, r.bytes)
	}
	n := float64(million / portions)
	return []string{
		thousands(upTo), whole(n / ended.Sub(began).Seconds()), mebibytes(highest), strings.TrimSpace(field(string(status), "Threads")),
		millis(float64((after - before).Milliseconds()) / n * 1000),
	}, highest, nil
}

// flatDriver does the same with package device alone, in this process, where
// goroutines and the heap can be counted; the sink acknowledges and forgets.
func (b *bench) flatDriver() (err error) {
	var rows1 [][]string
	var routines []int
	var heaps []float64
	err = b.withReader(0, func(ctx context.Context, r *device.Reader, ask func(...string) error) error {
		last := uint32(0)
		for i := range portions {
			began := time.Now()
			if err := ask("generate", strconv.Itoa(million/portions)); err != nil {
				return err
			}
			upTo := uint32((i + 1) * million / portions)
			if last, err = drain(ctx, r, last, upTo); err != nil {
				return err
			}
			took := time.Since(began)
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			routines, heaps = append(routines, runtime.NumGoroutine()), append(heaps, float64(m.HeapAlloc))
			rows1 = append(rows1, []string{
				thousands(int(last)), whole(million / portions / took.Seconds()), strconv.Itoa(routines[i]),
				fmt.Sprintf("%.2f MiB", float64(m.HeapAlloc)/(1<<20)),
			})
		}
		return nil
	})
	if err != nil {
		return err
	}
	if routines[portions-1] > routines[0]+2 { // one of the runtime's own may come or go
		b.page.broken = errors.Join(b.page.broken, fmt.Errorf("goroutines grew from %d to %d", routines[0], routines[portions-1]))
	}
	if grew := heaps[portions-1] - heaps[0]; grew > heapGrowth {
		b.page.broken = errors.Join(b.page.broken, fmt.Errorf("the heap grew by %.0f bytes", grew))
	}
	b.page.add(table{
		title: fmt.Sprintf("%s events without a ledger", thousands(million)),
		intro: "Package device in one process, readersim in another; whatever comes is acknowledged in groups and forgotten. Goroutines and\nheap (after a collection) are those of the measuring process, its own included.",
		head:  []string{"events taken", "per second", "goroutines", "heap in use"},
		rows:  rows1,
	})
	return nil
}

// drain follows the reader's events until one of this number came.
func drain(ctx context.Context, r *device.Reader, after, upTo uint32) (uint32, error) {
	if _, err := r.Follow(ctx, after); err != nil {
		return after, err
	}
	for last := after; ; {
		events, err := r.Next(ctx, 64)
		if err != nil {
			return last, err
		}
		last = events[len(events)-1].Seq
		if err := r.Acknowledge(ctx, last); err != nil || last >= upTo {
			return last, err
		}
	}
}
