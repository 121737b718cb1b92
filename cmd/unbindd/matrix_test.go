package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

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

// row is one fault: what the simulator is told, and how the case must end.
type row struct {
	line  string   // what goes wrong on the line, from the first transaction to the end; a seed is added
	erase bool     // it goes wrong from the first order to erase only
	tell  []string // control lines of readersim before the order is published
	end   func(*world)
	full  bool          // only `make matrix` has the time for it
	early bool          // it is over before anything is ordered to be erased
	waits time.Duration // that the fault costs the erase by the documents

	// Orders to erase that the reader takes, where that is not what it takes in peace, and how many of them name a slot
	// that is empty already. After a power cut they are those of the reader that comes back: it has forgotten the others.
	orders  *uint64
	empties uint64
	loose   bool // neither is known: an order may have become another one on its way

	why, shown string // why no unbinding can come to it, and the test that shows it: folder.Test, or another matrix
}

func noise(line string, end func(*world)) row {
	return row{line: line, end: end, waits: lost(noisyLosses)}
}

func exactly(orders uint64) *uint64 { return &orders }

func elsewhere(why, shown string) row { return row{why: why, shown: shown} }

func faults(text string) []string { return []string{"fault " + text} }

// andAtErase puts a fault in force that is spent when the erase begins, and then once more.
func andAtErase(first, then string) []string { return append(faults(first), atErase("fault "+then)...) }

func atErase(line string) []string { return []string{"at erase: " + line} }

// matrix is what one protocol's readers and their lines can do wrong.
type matrix struct {
	world        options
	orders       uint64        // to erase, in peace
	peace        time.Duration // that an erase takes then, by the documents
	line, reader map[string]row
	more         map[string]row // further values of a fault: name=value
}

var matrices = map[string]matrix{
	"pedlink": {
		world: options{sales: matrixSales}, orders: 1, peace: pedlinkPeace,
		line: pedlinkLine, reader: pedlinkReader, more: pedlinkMore(),
	},
	"mpos": {
		world: options{protocol: "mpos"}, orders: mposKeys, peace: mposPeace,
		line: mposLine, reader: mposReader, more: mposCuts(),
	},
}

// matrixPatience bounds a wait of the matrix: under a fault a case is long, and many of them share the machine.
const matrixPatience = 5 * time.Minute

// TestEveryFaultHasARow: a fault without a row is one that nobody looked at. A row without an unbinding names the test
// that looks at the fault.
func TestEveryFaultHasARow(t *testing.T) {
	for protocol, m := range matrices {
		for what, c := range map[string]struct {
			known []string
			rows  map[string]row
		}{
			"line": {devicesim.LineFaultNames(), m.line}, "reader": {devicesim.FaultNames(), m.reader},
		} {
			if rows := slices.Sorted(maps.Keys(c.rows)); !slices.Equal(c.known, rows) {
				t.Errorf("%s, faults of the %s: %v\nrows: %v", protocol, what, c.known, rows)
			}
			for fault, r := range c.rows {
				if r.end == nil && (r.why == "" || !isShown(t, r.shown, fault)) {
					t.Errorf("%s, %s: not in the matrix, since %q, and nothing of it in %s", protocol, fault, r.why, r.shown)
				}
			}
		}
	}
}

// isShown says whether a test that is named speaks of the fault.
func isShown(t *testing.T, where, fault string) bool {
	t.Helper()
	if other, found := strings.CutPrefix(where, "TestMatrix/"); found {
		return matrices[other].reader[fault].end != nil
	}
	folder, test, _ := strings.Cut(where, ".")
	files, err := filepath.Glob(filepath.Join("..", "..", folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, body, found := strings.Cut(string(text), "func "+test+"("); found {
			body, _, _ = strings.Cut(body, "\n}\n")
			return strings.Contains(body, `"`+fault)
		}
	}
	return false
}

// TestMatrix is every fault times the whole unbinding, with real programs and each protocol that can erase. Whatever the
// fault: it struck the unbinding, and its erase if there was one; no transaction is lost or doubled; each slot is what the
// certificate says; no key is overwritten twice; the reader was told to erase exactly as often as is due, and never to
// delete what is gone; the erase took no longer than the documents allow; and the case ends as its row says.
//
// A test run takes every second fault, with one protocol; `make matrix` takes all, each with each protocol, every power cut, and
// more seeds than one for the line; a fault of the reader throws no dice.
func TestMatrix(t *testing.T) {
	seeds := 1
	if text := os.Getenv("MATRIX_SEEDS"); text != "" {
		var err error
		if seeds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	type trial struct {
		name string
		of   matrix
		row
	}
	var all []trial
	for _, protocol := range slices.Sorted(maps.Keys(matrices)) {
		m := matrices[protocol]
		for _, fault := range slices.Sorted(maps.Keys(m.line)) {
			for seed := 1; seed <= seeds; seed++ {
				r := m.line[fault]
				r.line = fmt.Sprintf("%s,seed=%d", r.line, seed)
				all = append(all, trial{fmt.Sprintf("%s/line/%s/%d", protocol, fault, seed), m, r})
			}
		}
		for _, rows := range []map[string]row{m.reader, m.more} {
			for _, fault := range slices.Sorted(maps.Keys(rows)) {
				all = append(all, trial{fmt.Sprintf("%s/reader/%s", protocol, fault), m, rows[fault]})
			}
		}
	}
	all = slices.DeleteFunc(all, func(one trial) bool { return one.end == nil || quickMatrix() && (one.full || !turnOf(one.name)) })
	if n := 0; quickMatrix() { // every second of them
		all = slices.DeleteFunc(all, func(trial) bool { n++; return n%2 == 0 })
	}
	slices.SortStableFunc(all, func(a, b trial) int { return cmp.Compare(b.waits, a.waits) }) // who waits longest begins
	var running sync.WaitGroup
	turn := make(chan struct{}, matrixAtOnce)
	for _, one := range all {
		turn <- struct{}{}
		running.Go(func() {
			defer func() { <-turn }()
			t.Run(one.name, func(t *testing.T) { one.run(t, one.of, faultOf(one.name)) })
		})
	}
	running.Wait()
}

// quickMatrix is the half of the matrix that every test run takes. Its daemon has no race detector, which costs several
// times the processor time; the kills, the refusals and the full matrix have one.
func quickMatrix() bool { return os.Getenv("MATRIX_SEEDS") == "" }

// turnOf says that a row is its protocol's turn in a test run: a fault that more protocols than one have is tried with one
// of them, by turns in the order of the names.
func turnOf(name string) bool {
	protocol, _, _ := strings.Cut(name, "/")
	var have, faults []string
	for _, p := range slices.Sorted(maps.Keys(matrices)) {
		m := matrices[p]
		for _, rows := range []map[string]row{m.line, m.reader, m.more} {
			for fault, r := range rows {
				faults = append(faults, fault)
				if fault == valueOf(name) && r.end != nil && !r.full {
					have = append(have, p)
				}
			}
		}
	}
	slices.Sort(faults)
	at := slices.Index(slices.Compact(faults), valueOf(name))
	return len(have) < 2 || have[at%len(have)] == protocol
}

// valueOf is the fault in the name of a row, with its value.
func valueOf(name string) string { return strings.Split(name, "/")[2] }

// faultOf is the fault in the name of a row: protocol, whose it is, the fault and perhaps its value.
func faultOf(name string) string {
	fault, _, _ := strings.Cut(valueOf(name), "=")
	return fault
}

func (r row) run(t *testing.T, m matrix, fault string) {
	o := m.world
	o.plain = quickMatrix()
	w := newWorld(t, o)
	w.wait = matrixPatience
	switch {
	case r.erase:
		r.tell = atErase("line " + r.line)
	case r.line != "":
		w.tell([]string{"line " + r.line})
	}
	w.startDaemon()
	if m.world.sales > 0 {
		w.traded(m.world.sales)
	} else {
		w.until("a ready reader", func(s local.Status) bool { return isReady(s.Reader.State) })
	}
	w.tell(r.tell)
	before := w.readerState().Struck[fault]
	w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
	r.end(w)
	state := w.readerState()
	if !strings.HasPrefix(fault, "cut-") { // cutOff saw the cut
		r.struck(t, fault, before, state)
	}
	r.ordered(t, m, state)
	w.inTime(min(slack*(m.peace+r.waits), matrixPatience))
}

// struck: trading and preparing are not what a fault of the erase is tried on.
func (r row) struck(t *testing.T, fault string, before uint64, state devicesim.State) {
	t.Helper()
	if state.Struck[fault] <= before {
		t.Errorf("%s struck %d times, all before the order was published", fault, before)
	}
	if first := state.StruckBefore; (r.line == "" || r.erase) && !r.early && first != nil && state.Struck[fault] <= first[fault] {
		t.Errorf("%s struck %d times, all before the erase", fault, first[fault])
	}
}

// ordered: after a lost line the reader was asked first, and told again only what it had not done.
func (r row) ordered(t *testing.T, m matrix, state devicesim.State) {
	t.Helper()
	if r.loose {
		return
	}
	due := m.orders
	if r.orders != nil {
		due = *r.orders
	}
	if got := state.ErasesOrdered; got != due {
		t.Errorf("the reader took %d orders to erase, %d were due", got, due)
	}
	var empties uint64
	for _, n := range state.DeletesOfEmpty {
		empties += n
	}
	if empties != r.empties {
		t.Errorf("%d orders named a slot that was empty already, %d were due: %v", empties, r.empties, state.DeletesOfEmpty)
	}
}

// isReady: a noisy line may have been graded by then.
func isReady(state string) bool { return state == "ready" || state == "degraded" }

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

// completeWithout: the same, and the certificate says what the reader cannot do.
func completeWithout(ability string) func(*world) {
	return func(w *world) {
		w.t.Helper()
		complete(w)
		if r := w.certificate().Predicate.Reader; !slices.Contains(r.Unsupported, ability) {
			w.t.Errorf("the certificate does not say that the reader cannot %s: %v, %s", ability, r.Unsupported, r.Detail)
		}
	}
}

// powerBack: the reader died in its erase; with its power back the case ends as if there had been no fault.
func powerBack(w *world) {
	w.t.Helper()
	w.cutOff()
	w.startReader()
	complete(w)
}

// cutOff waits until the reader's power is gone, and takes its line away.
func (w *world) cutOff() {
	w.t.Helper()
	select {
	case <-w.reader.done:
	case <-time.After(w.wait):
		w.t.Fatalf("the reader's power was not cut:\n%s", w.reader.said())
	}
	if s, ok := w.reader.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || s.Signal() != syscall.SIGKILL {
		w.t.Errorf("the reader's power was not cut: %v", w.reader.cmd.ProcessState)
	}
	w.unplugForGood()
}

// partial: the host is erased, the reader's step stays open, and the certificate says why.
func partial(outcome string) func(*world) {
	return func(w *world) {
		w.t.Helper()
		w.quarantined(outcome)
		w.saysTheTruth(outcome)
	}
}

// refusedThen: the terminal does not take the order, and trades on with its own reader; the next order ends well.
func refusedThen(end func(*world)) func(*world) {
	return func(w *world) {
		w.t.Helper()
		w.answered(w.caseID(), command.Refused, "E21")
		w.nothingErased()
		for _, s := range w.readerState().Slots {
			if s.Zeroised > 0 {
				w.t.Errorf("slot %04x was overwritten", s.Slot)
			}
		}
		w.ask("clear-faults")
		w.until("its own reader", func(s local.Status) bool { return s.Mode == local.Trading && s.Reader.State == "ready" })
		w.issueAnew()
		w.publish(w.sign(w.path("command.json"), "ops-1", "sec-1"))
		end(w)
	}
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
	w.slotsAsCertified(p.Reader)
	if n := len(p.Reader.Slots); outcome == "erased" && n != pedlinkKeys { // or a cut is missing
		w.t.Errorf("%d slots are certified, a new reader has %d keys", n, pedlinkKeys)
	}
	// Every transaction is in the backup, and no number of an event or of a record comes twice or not at all.
	if m.Count != matrixSales || m.EvSeq != matrixSales+1 || m.Last-m.First+1 != matrixSales+1 || int64(reader.LastEvent) < m.EvSeq {
		w.t.Errorf("the backup has %d transactions, records %d to %d, up to event %d; the reader made %d, up to event %d",
			m.Count, m.First, m.Last, m.EvSeq, matrixSales, reader.LastEvent)
	}
}
