package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"unbindd/agent/certificate"
	"unbindd/agent/local"
)

// harmLedger changes the terminal's only segment while nothing runs.
func (w *world) harmLedger(change func(file []byte)) (path string, harmed []byte) {
	w.t.Helper()
	path = filepath.Join(w.state(), "ledger", "seg-00000001.db")
	file, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	change(file)
	if err := os.WriteFile(path, file, 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path, file
}

// freeLists spoils every list of free pages that is in the file.
func freeLists(file []byte) {
	for at := 2 * 4096; at < len(file); at += 4096 {
		if binary.NativeEndian.Uint16(file[at+8:]) == 0x10 {
			clear(file[at : at+64])
		}
	}
}

// recordSeven spoils the record of that number wherever its key lies: on a leaf page,
// beside that of the next or the last one, for the number alone may be any other
// thing of the file, as in its list of free pages.
func recordSeven(file []byte) {
	key := func(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
	for page := range slices.Chunk(file, 4096) {
		const leaf = 0x02
		if binary.NativeEndian.Uint16(page[8:]) != leaf {
			continue
		}
		for at := 0; ; {
			i := bytes.Index(page[at:], key(7))
			if i < 0 {
				break
			}
			if at += i; at+60 < len(page) && (bytes.Contains(page[:at], key(6)) || bytes.Contains(page[at:], key(8))) {
				page[at+60] ^= 1
			}
			at += 8
		}
	}
}

// blockedBy waits until a daemon says why it cannot trade, and ends it.
func (w *world) blockedBy(code string) {
	w.t.Helper()
	w.startDaemon()
	w.until("the alarm", func(s local.Status) bool { return s.Alarm != nil && strings.HasPrefix(s.Alarm.Code, code) })
	w.daemon.stop()
}

// The thirty sales and the closing of their batch are thirty-one records.

// A damaged ledger stops trading with a sentence, a code and a next step; what
// can be mended is mended while the daemon stands still, and the terminal trades
// and is unbound as if nothing had been, the damaged file erased with the rest.
func TestADamagedLedgerIsRepaired(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{sales: 30})
	w.startDaemon()
	w.traded(30)
	if _, problems, code := call(t, "unbindd", "ledger", "check", "--config", w.path("unbindd.yaml")); code != 6 || !strings.Contains(problems, "stop the daemon first") || !strings.Contains(problems, "\nNext: ") {
		t.Errorf("beside a running daemon: %d, %s", code, problems)
	}
	w.daemon.stop()
	if out := must(t, "unbindd", "ledger", "check", "--config", w.path("unbindd.yaml")); out != "the ledger is whole: 31 records in 1 segments\n" {
		t.Errorf("a sound ledger: %s", out)
	}
	path, harmed := w.harmLedger(freeLists)
	w.blockedBy("E26")

	out, problems, code := call(t, "unbindd", "ledger", "check", "--config", w.path("unbindd.yaml"))
	if code != 3 || !strings.Contains(out, "segment 1: all 31 records are whole; the file around them is damaged and can be written anew") ||
		!strings.Contains(problems, "[E26]") || !strings.Contains(problems, `Next: Run "unbindd ledger repair": it loses no record.`) {
		t.Errorf("check: %d\n%s%s", code, out, problems)
	}
	if after, err := os.ReadFile(path); err != nil || !slices.Equal(after, harmed) {
		t.Errorf("the check changed the file (%v)", err)
	}
	var r outcome
	out, _, code = call(t, "unbindd", "ledger", "repair", "--json", "--config", w.path("unbindd.yaml"))
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 9 || r.Exit != 9 || r.Outcome != "repaired" {
		t.Fatalf("repair ends with %d, %v: %s", code, err, out)
	}
	if !r.Sound || !r.Complete || r.Whole != 31 || r.Segments[0].Kept != "seg-00000001.db.damaged-1" {
		t.Errorf("repair: %+v", r)
	}
	kept := filepath.Join(filepath.Dir(path), r.Segments[0].Kept)
	if after, err := os.ReadFile(kept); err != nil || !slices.Equal(after, harmed) {
		t.Errorf("the damaged file was not kept as it was (%v)", err)
	}
	w.startDaemon()
	w.traded(30)
	w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
	w.unbound()
	w.provesComplete(30)
}

// A record that cannot be read blocks, is named, and is not papered over; the
// others can be saved, sealed, and read by stock tools.
func TestALedgerThatLacksARecordIsNotPaperedOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{sales: 30})
	w.startDaemon()
	w.traded(30)
	w.until("the batch close", func(s local.Status) bool { return s.Ledger.Events == 1 })
	w.until("nothing held", func(local.Status) bool { return strings.Contains(w.ask("state"), `"held":0`) })
	w.daemon.stop()
	path, harmed := w.harmLedger(recordSeven)
	out, problems, code := call(t, "unbindd", "ledger", "repair", "--config", w.path("unbindd.yaml"))
	if code != 3 || !strings.Contains(out, "segment 1: 30 of 31 records are whole; 7 cannot be read") || !strings.Contains(problems, "[E26]") || !strings.Contains(problems, `Next: Save what is whole with "unbindd ledger export"`) {
		t.Errorf("repair: %d\n%s%s", code, out, problems)
	}
	if after, err := os.ReadFile(path); err != nil || !slices.Equal(after, harmed) {
		t.Errorf("the repair changed the file (%v)", err)
	}
	saved := w.path("saved.jsonl.zst.age")
	if _, problems, code := call(t, "unbindd", "ledger", "export", "--recipients", "rcp-demo", "--out", saved, "--config", w.path("unbindd.yaml")); code != 3 {
		t.Fatalf("export: %d\n%s", code, problems)
	}
	plain, err := exec.Command("bash", "-c", `set -o pipefail; age -d -i "$1" "$2" | zstd -dqc`, "open", w.path("desk", "keys", "recipient.key"), saved).Output()
	if err != nil || strings.Count(string(plain), "\n{\"c\":\"") != 30 || strings.Contains(string(plain), `"evseq":7,`) {
		t.Errorf("%d records saved, %v", strings.Count(string(plain), "\n{\"c\":\""), err)
	}
	key := w.path("desk", "keys", "recipient.key")
	if told := must(t, "unbind-desk", "open", "--identity", key, saved, "--totals"); !strings.Contains(told, "A salvage of the ledger of terminal ") || !strings.Contains(told, "could not read them: 7.") {
		t.Errorf("unbind-desk open says: %s", told)
	}
	if told, err := exec.Command(filepath.Join("..", "..", "scripts", "check-salvage.sh"), key, saved).CombinedOutput(); err != nil || string(told) != "30 records, the last of them number 31; missing: 7\n" {
		t.Errorf("stock tools say: %v: %s", err, told)
	}
	// What was found is known to the daemon at its start, and an order to unbind is not begun: nothing is erased.
	if mode := w.startDaemon(); mode != local.Blocked {
		t.Errorf("the daemon begins %s", mode)
	}
	w.until("the desk's time", trusted)
	w.refuses(w.order(w.draft()), "E26")
	w.nothingErased()
	if !exists(filepath.Join(w.state(), "keys", "k1")) || !exists(path) {
		t.Error("something was erased")
	}
	w.keptBeside()
}

// Damage in the middle of the last segment, past which the ledger opens, is
// found while the terminal trades: it stops acknowledging, says so everywhere,
// and says it at once after a restart, until the whole ledger was read and is
// whole. It can be taken out of service by three people, and then the signed
// certificate counts what cannot be read.
func TestDamageIsFoundBesideTheTrade(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{sales: 30})
	w.startDaemon()
	w.traded(30)
	w.daemon.stop()
	path := filepath.Join(w.state(), "ledger", "seg-00000001.db")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w.harmLedger(recordSeven)
	if mode := w.startDaemon(); mode != local.Trading {
		t.Errorf("before anything was noticed the daemon begins %s", mode)
	}
	w.cannotTrade()
	w.ask("sale", "100", "CNY")
	w.ask("close-batch", "000001")
	w.daemon.stop()
	if mode := w.startDaemon(); mode != local.Blocked {
		t.Errorf("after a restart the daemon begins %s", mode)
	}
	if s := w.cannotTrade(); s.Ledger.Transactions != 30 {
		t.Errorf("a damaged ledger took %d transactions", s.Ledger.Transactions)
	}
	w.daemon.stop()

	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	w.startDaemon()
	w.until("trading", func(s local.Status) bool {
		return s.Mode == local.Trading && s.Alarm == nil && s.Ledger.Transactions == 31
	})
	w.daemon.stop()

	w.harmLedger(recordSeven)
	w.startDaemon()
	w.cannotTrade()
	w.publish(w.sign(w.issue("--gate", "none"), "ops-1", "sec-1", "rel-1"))
	w.unbound()
	gate := w.certificate().Predicate.Gate
	if i := slices.IndexFunc(gate, func(c certificate.Check) bool { return c.Check == "ledger" }); i < 0 ||
		!strings.HasPrefix(gate[i].Detail, "31 transactions, head ") || !strings.HasSuffix(gate[i].Detail, "; damaged: 32 of 33 records can be read, 1 cannot") {
		t.Errorf("the gate's lines: %+v", gate)
	}
	w.erasedOnce()
}

// cannotTrade waits until a daemon says that its ledger is damaged, and demands
// that status and plan say the same.
func (w *world) cannotTrade() local.Status {
	w.t.Helper()
	s := w.until("the alarm", func(s local.Status) bool { return s.Mode == local.Blocked && s.Alarm != nil && s.Ledger != nil })
	if s.Alarm.Code != "E26" || !strings.Contains(s.Alarm.Next, "unbindd ledger check") {
		w.t.Errorf("the alarm is %+v", *s.Alarm)
	}
	p, err := w.client().Plan(w.t.Context(), "rebind-standard")
	if err != nil || !slices.ContainsFunc(p.Blockers, func(e local.Error) bool { return e.Code == "E26" }) {
		w.t.Errorf("in the way of an unbinding: %+v, %v", p.Blockers, err)
	}
	if out := must(w.t, "unbindctl", "--socket", w.socket(), "status", "-q"); out != local.Blocked+"\n" {
		w.t.Errorf("status -q says %q", out)
	}
	return s
}
