package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/local"
	"unbindd/agent/manifest"
	"unbindd/device/devicesim"
)

// matrixSales is how many transactions every terminal of the matrix has.
const matrixSales = 20

// matrixAtOnce is how many unbindings run side by side: most of their time is waiting for an answer that does not come.
const matrixAtOnce = 8

// TestEveryFaultHasARow: a fault without a row is one that nobody looked at.
func TestEveryFaultHasARow(t *testing.T) {
	for what, c := range map[string]struct{ known, rows []string }{
		"line":   {devicesim.LineFaultNames(), slices.Sorted(maps.Keys(lineRows))},
		"reader": {devicesim.FaultNames(), slices.Sorted(maps.Keys(readerRows))},
	} {
		if !slices.Equal(c.known, c.rows) {
			t.Errorf("faults of the %s: %v\nrows: %v", what, c.known, c.rows)
		}
	}
}

// TestMatrix is every fault times the whole unbinding, with real programs. Whatever the fault: no transaction is lost or
// doubled, nothing is called erased that still answers, no erase begins twice, and the case ends as its row says.
//
// `make matrix` takes more seeds than one.
func TestMatrix(t *testing.T) {
	seeds := 1
	if text := os.Getenv("MATRIX_SEEDS"); text != "" {
		var err error
		if seeds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	var all []func()
	add := func(name string, r row) {
		all = append(all, func() { t.Run(name, func(t *testing.T) { r.run(t) }) })
	}
	for seed := 1; seed <= seeds; seed++ {
		for name, noise := range lineRows {
			add(fmt.Sprintf("line/%s/%d", name, seed), row{tell: []string{fmt.Sprintf("line %s,seed=%d", noise, seed)}, end: complete})
		}
		for name, r := range readerRows {
			add(fmt.Sprintf("reader/%s/%d", name, seed), r)
		}
	}
	var running sync.WaitGroup
	turn := make(chan struct{}, matrixAtOnce)
	for _, run := range all {
		turn <- struct{}{}
		running.Go(func() {
			defer func() { <-turn }()
			run()
		})
	}
	running.Wait()
}

func (r row) run(t *testing.T) {
	w := newWorld(t, options{sales: matrixSales})
	if strings.HasPrefix(r.tell[0], "line ") {
		w.tell(r.tell)
		w.startDaemon()
		w.traded(matrixSales)
	} else {
		w.startDaemon()
		w.traded(matrixSales)
		w.tell(r.tell)
	}
	w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
	r.end(w)
	w.committed(max(r.commits, 1))
}

// committed: after a lost line the reader was asked first, and told again only when it had said no.
func (w *world) committed(most uint64) {
	w.t.Helper()
	if got := w.readerState().ErasesOrdered; got > most {
		w.t.Errorf("the reader took %d orders to erase, at most %d were due", got, most)
	}
}

func (w *world) readerState() (state devicesim.State) {
	w.t.Helper()
	if err := json.Unmarshal([]byte(w.ask("state")), &state); err != nil {
		w.t.Fatal(err)
	}
	return state
}

func (w *world) tell(lines []string) {
	for _, line := range lines {
		w.ask(strings.Fields(line)...)
	}
}

// complete: the case ends as if there had been no fault.
func complete(w *world) {
	w.t.Helper()
	w.unbound()
	w.proves(matrixSales)
	w.saysTheTruth("erased")
}

// powerBack: the reader died in its erase; with its power back the case ends as if there had been no fault.
func powerBack(w *world) {
	w.t.Helper()
	w.reader.exits()
	w.unplugForGood()
	w.startReader()
	complete(w)
}

// partial: the host is erased, the reader's step stays open, and the certificate says why.
func partial(outcome string) func(*world) {
	return func(w *world) {
		w.t.Helper()
		w.quarantined(outcome)
		w.saysTheTruth(outcome)
	}
}

// orderRefused: the terminal does not take the order, and trades on with its own reader.
func orderRefused(w *world) {
	w.t.Helper()
	w.answered(w.caseID(), command.Refused, "E21")
	w.nothingErased()
	w.ask("clear-faults")
	w.until("its own reader", func(s local.Status) bool { return s.Mode == local.Trading && s.Reader.State == "ready" })
	w.issueAnew()
	w.publish(w.sign(w.path("command.json"), "ops-1", "sec-1"))
	complete(w)
}

// saysTheTruth compares the certificate and the backup with the reader's own memory, which no fault can bend.
func (w *world) saysTheTruth(outcome string) {
	w.t.Helper()
	reader := w.readerState()
	var statement certificate.Statement
	var m manifest.Manifest
	out := w.path("truth")
	must(w.t, "unbind-desk", "cases", "export", w.caseID(), "--dir", w.path("desk"), "--out", out)
	payload(w.t, filepath.Join(out, "certificate.json"), &statement)
	payload(w.t, filepath.Join(out, "manifest.json"), &m)
	p := statement.Predicate
	if p.Reader.Outcome != outcome || (p.Result == certificate.Complete) != (outcome == "erased") {
		w.t.Errorf("the certificate says %s, reader %s: %s", p.Result, p.Reader.Outcome, p.Reader.Detail)
	}
	if reader.ErasesStarted > 1 {
		w.t.Errorf("the reader began %d erases", reader.ErasesStarted)
	}
	for _, slot := range reader.Slots {
		if outcome == "erased" && !slot.Retained && slot.State != "empty" {
			w.t.Errorf("called erased, and slot %d is %s", slot.Slot, slot.State)
		}
		if slot.Zeroised > 1 {
			w.t.Errorf("slot %d was overwritten %d times", slot.Slot, slot.Zeroised)
		}
	}
	// Every transaction is in the backup, and no number of an event or of a record comes twice or not at all.
	if m.Count != matrixSales || m.EvSeq != matrixSales+1 || m.Last-m.First+1 != matrixSales+1 || int64(reader.LastEvent) < m.EvSeq {
		w.t.Errorf("the backup has %d transactions, records %d to %d, up to event %d; the reader made %d, up to event %d",
			m.Count, m.First, m.Last, m.EvSeq, matrixSales, reader.LastEvent)
	}
}
