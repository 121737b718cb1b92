package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"unbindd/agent"
	"unbindd/agent/certificate"
	"unbindd/agent/envelope"
	"unbindd/agent/local"
	"unbindd/agent/manifest"
	"unbindd/agent/receipt"
)

// A process kill at every step × {starting, worked, recorded}: SIGKILL of the
// real daemon at a moment it announces and waits at, restart, and the case ends
// the same. Enumerated from the plan itself, not sampled; a test run takes one of
// the three moments of each step, by turns, and make kill takes all.
func TestKillAtEveryStep(t *testing.T) {
	reversible, final := agent.StepNames()
	var moments []string
	for n, step := range append(append(reversible, "point-of-no-return"), final...) {
		for m, moment := range []string{"starting", "worked", "recorded"} {
			if everyKill() || m == n%3 {
				moments = append(moments, step+":"+moment)
			}
		}
	}
	moments = append(moments, "accept:starting", "accept:recorded", "erase-reader-keys:committing")
	for n, target := range []string{"data-key-k1", "data-key-k2", "ledger", "spool", "app-data-1", "software-5", "reader-link-key-k4", "identity-key-k7", "identity-key-k9", "identity-key-k0", "trust", "key-directory", "journal"} {
		if everyKill() || n%2 == 0 {
			moments = append(moments, "wipe/"+target+":"+last(target))
		}
	}
	moments = append(moments, "wipe/ledger:overwrite", "wipe/journal:overwrite", "wipe/journal:truncate")
	for i, moment := range moments {
		t.Run(moment, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, options{sales: 20, plain: plainKill(i)})
			w.startDaemon(moment)
			w.traded(20)
			w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
			w.daemon.sign("paused " + moment)
			w.daemon.kill()
			w.startDaemon()
			w.unbound()
			w.provesComplete(20)
		})
	}
}

// everyKill asks for every moment, each of a daemon with the race detector: make kill.
func everyKill() bool { return os.Getenv("KILL_ALL") != "" }

// plainKill says that the n-th kill of a table is of a daemon without the race detector, which costs several times
// the processor time. One in four has it.
func plainKill(n int) bool { return n%4 != 0 && !everyKill() }

// last is the last operation on a target: a file is unlinked, a folder removed.
func last(target string) string {
	if target == "key-directory" {
		return "remove-folder"
	}
	return "unlink"
}

// A kill around the commit and the acknowledgement of transactions: nothing
// acknowledged is lost, nothing is booked twice.
func TestKillWhileTrading(t *testing.T) {
	for i, moment := range []string{"trade:starting", "trade:worked", "trade:recorded", "trade:starting#2", "trade:worked#2", "trade:recorded#2"} {
		t.Run(moment, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, options{sales: 150, open: true, plain: plainKill(i)})
			w.startDaemon(moment)
			w.daemon.sign("paused ")
			w.daemon.kill()
			w.startDaemon()
			w.traded(150)
			w.ask("close-batch", "000001")
			w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
			w.unbound()
			w.provesComplete(150)
		})
	}
}

// The desk is killed around each of its own commits, and comes back: what it
// had receipted is the same, and the case ends the same.
func TestKillTheDeskAtEveryCommit(t *testing.T) {
	for i, what := range []string{"answer", "manifest", "backup", "ticket", "certificate", "tombstone"} {
		for _, when := range []string{"before", "after"} {
			t.Run(what+":"+when, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, options{sales: 20, plain: plainKill(i)})
				w.startDaemon()
				w.traded(20)
				w.desk.stop()
				w.startDesk("--pause-at", what+":"+when)
				w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
				w.desk.sign("paused ")
				w.desk.kill()
				w.startDesk()
				w.unbound()
				w.provesComplete(20)
			})
		}
	}
}

// The reader is killed in the middle of its erase, and comes back: it finishes
// by itself, and the daemon asks instead of committing again.
func TestKillTheReaderWhileItErases(t *testing.T) {
	for k := range 4 {
		t.Run(fmt.Sprint(k), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, options{sales: 20, plain: plainKill(k)})
			w.startDaemon()
			w.traded(20)
			w.ask("fault", fmt.Sprintf("cut-after=%d", k))
			w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
			w.reader.exits()
			w.unplugForGood()
			w.startReader()
			w.unbound()
			w.provesComplete(20)
			if n := w.readerState().ErasesOrdered; n != 0 {
				t.Errorf("the reader that came back was told to erase %d times", n)
			}
		})
	}
}

// provesComplete checks the whole case from outside the terminal.
func (w *world) provesComplete(sales int) {
	w.t.Helper()
	out := w.path("case")
	must(w.t, "unbind-desk", "cases", "export", w.caseID(), "--dir", w.path("desk"), "--out", out)
	must(w.t, "unbind-desk", "verify", out, "--identity", w.path("desk", "keys", "recipient.key"))
	w.onlyTheTombstone()
	w.countsAgree(out, sales)
	w.erasedOnce()
	w.onlyTheInventory()
}

func (w *world) onlyTheTombstone() {
	w.t.Helper()
	left, err := os.ReadDir(w.state())
	if err != nil {
		w.t.Fatal(err)
	}
	if len(left) != 2 || left[0].Name() != "told.json" || left[1].Name() != "tombstone.json" { // and the receipt for it
		w.t.Errorf("left in the state directory: %v", left)
	}
}

// countsAgree: every transaction that the reader made is in the backup once, the
// receipt is for the manifest in force, and there is one certificate.
func (w *world) countsAgree(out string, sales int) {
	w.t.Helper()
	var m manifest.Manifest
	var r receipt.Receipt
	var s certificate.Statement
	manifestDigest := payload(w.t, filepath.Join(out, "manifest.json"), &m)
	payload(w.t, filepath.Join(out, "receipts", "backup.json"), &r)
	payload(w.t, filepath.Join(out, "certificate.json"), &s)
	if m.Count != int64(sales) || m.EvSeq != int64(sales)+1 {
		w.t.Errorf("the backup has %d transactions up to event %d, the reader made %d", m.Count, m.EvSeq, sales)
	}
	if r.Subject != manifestDigest || s.Predicate.N != 1 || s.Predicate.Result != certificate.Complete || s.Predicate.Receipt.Kind != "receipt" {
		w.t.Errorf("receipt for %s, certificate %d %s on a %s", r.Subject, s.Predicate.N, s.Predicate.Result, s.Predicate.Receipt.Kind)
	}
}

// erasedOnce asks the reader's own memory.
func (w *world) erasedOnce() {
	w.t.Helper()
	var state struct {
		Held    int    `json:"held"`
		Counter uint32 `json:"erase_count"`
		Started uint32 `json:"erases_started"`
		Ended   uint32 `json:"erases_finished"`
		Slots   []struct {
			Zeroised int  `json:"zeroised"`
			Retained bool `json:"retained"`
		} `json:"slots"`
	}
	text := w.ask("state")
	if err := json.Unmarshal([]byte(text), &state); err != nil {
		w.t.Fatalf("%v: %s", err, text)
	}
	if state.Started != 1 || state.Ended != 1 || state.Counter != 1 || state.Held != 0 {
		w.t.Errorf("the reader says %s", text)
	}
	for _, slot := range state.Slots {
		if slot.Zeroised > 1 || (slot.Retained && slot.Zeroised != 0) {
			w.t.Errorf("a slot was zeroised twice, or is retained: %s", text)
		}
	}
}

// onlyTheInventory: what the inventory names is gone, what it does not is whole.
func (w *world) onlyTheInventory() {
	w.t.Helper()
	for _, gone := range []string{"data", "export-1.csv", "export-2.csv", "log", "operator.pin", "bin"} {
		if exists(w.path("pos", gone)) {
			w.t.Errorf("%s is still there", gone)
		}
	}
	if b, err := os.ReadFile(w.path("pos", "keep", "other.txt")); err != nil || len(b) == 0 {
		w.t.Errorf("something outside the inventory was touched: %v", err)
	}
}

func payload(t *testing.T, path string, v any) envelope.Digest {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	e, err := envelope.Parse(text, envelope.MaxSize)
	if err != nil {
		t.Fatal(err)
	}
	if err := envelope.Decode(e.Payload, v); err != nil {
		t.Fatal(err)
	}
	return e.Digest()
}

func undone(s local.Status) bool {
	return s.Mode == local.Trading && s.Case != nil && s.Case.Outcome == "undone"
}
