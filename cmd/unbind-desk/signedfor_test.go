package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/receipt"
	"unbindd/cmd/unbind-desk/internal/store"
)

// says is what a receipt says, whose signature the trust of the desk must bear.
func (o *office) says(signed []byte) (r receipt.Receipt) {
	o.t.Helper()
	e := parse(o.t, signed)
	if _, err := o.believed().Verify(e, receipt.Kind); err != nil {
		o.t.Fatalf("the receipt is nobody's: %v", err)
	}
	o.check(envelope.Decode(e.Payload, &r))
	return r
}

// Every answer gets the desk's receipt, the same for the same bytes, whether it is of a
// case or of none; and so does the tombstone.
func TestAnswersAndTombstoneAreSignedFor(t *testing.T) {
	o := newOffice(t)
	u := whole(t, o, "T-1")
	for n, outcome := range map[int64]envelope.ID{1: command.Accepted, 2: command.Completed} {
		body := u.get(u.at("answer", n)).body
		first, again := u.get(u.at("receipts/answer", n)), u.put(u.at("answer", n), body)
		again.want(t, http.StatusOK, "")
		if !bytes.Equal(first.body, again.body) {
			t.Errorf("the same answer %d got another receipt", n)
		}
		var word command.Answer
		o.check(envelope.Decode(parse(t, body).Payload, &word))
		r := o.says(first.body)
		o.check(r.Compare(receipt.Want{
			Case: u.command.Case, Command: u.order.Digest(), Kind: "answer", N: n, Subject: parse(t, body).Digest(),
			Terminal: "T-1", Verified: receipt.Checked,
		}))
		if word.Outcome != outcome {
			t.Errorf("answer %d is %s", n, word.Outcome)
		}
	}
	stone := u.get(u.at("receipts/tombstone", 1))
	again := u.do(u.unknown, http.MethodPut, "/v1/cases/"+string(u.command.Case)+"/tombstone", tombstone(u.r[:]))
	again.want(t, http.StatusOK, "")
	if !bytes.Equal(stone.body, again.body) {
		t.Error("the same tombstone got another receipt")
	}
	r := o.says(stone.body)
	o.check(r.Compare(receipt.Want{
		Case: u.command.Case, Command: u.order.Digest(), Kind: "tombstone", N: 1, Subject: certificate.Commitment(u.r[:]),
		Terminal: "T-1", Verified: receipt.Checked,
	}))

	m := newTerminal(o, "T-2")
	stray := m.answer("none:T-2", 1, m.anchor(), command.Refused)
	stray.want(t, http.StatusOK, "")
	r = o.says(stray.body)
	if r.Case != "none:T-2" || r.Command != m.anchor() || r.Terminal != "T-2" || r.Kind != "answer" || r.N != 1 {
		t.Errorf("the receipt for an answer of no case says %+v", r)
	}
	if again := m.answer("none:T-2", 1, m.anchor(), command.Refused); !bytes.Equal(again.body, stray.body) {
		t.Error("the same answer of no case got another receipt")
	}
}

// unsigned takes away the receipts for answers and tombstones, as an older desk gave none.
func (o *office) unsigned(base store.Base) {
	o.t.Helper()
	o.check(base.Change(func(r store.Rows) error {
		var errs []error
		for _, row := range rowsOf(o.t, base, "objects") {
			if strings.Contains(row.Key, "\x00receipt-answer\x00") || strings.Contains(row.Key, "\x00receipt-tombstone\x00") {
				errs = append(errs, r.Remove("objects", row.Key))
			}
		}
		return errors.Join(errs...)
	}))
}

// A terminal that was unbound under an older desk never comes again: its case is signed
// for when it is exported, once, and verifies.
func TestWhatAnOlderDeskFinishedIsExportedWhole(t *testing.T) {
	base := store.Base(nil)
	p := newPair(t, func(dir string) store.Base { base = memoryBase(t)(dir); return base }, folderOf)
	u := whole(t, p.office, "T-1")
	p.unsigned(base)
	var before []byte
	for i := range 2 {
		out := filepath.Join(p.work, fmt.Sprint("export-", i))
		p.cli("cases", "export", string(u.command.Case), "--dir", string(p.dir), "--out", out)
		if said, _, code := verb(t, "verify", out); code != 0 {
			t.Fatalf("the case does not verify:\n%s", said)
		}
		now, err := os.ReadFile(filepath.Join(out, "receipts/tombstone.json"))
		p.check(err)
		if r := p.says(now); i > 0 && !bytes.Equal(now, before) || r.Subject != certificate.Commitment(u.r[:]) {
			t.Errorf("export %d has another receipt for the tombstone: %+v", i, r)
		}
		before = now
	}
}

// What an older desk kept without a receipt is signed for when the terminal, which may
// never have heard that it came, comes with it again.
func TestWhatAnOlderDeskKeptIsSignedFor(t *testing.T) {
	base := store.Base(nil)
	p := newPair(t, func(dir string) store.Base { base = memoryBase(t)(dir); return base }, folderOf)
	u := whole(t, p.office, "T-1")
	answer := u.get(u.at("answer", 1)).body
	p.unsigned(base)
	for range 2 {
		again := u.put(u.at("answer", 1), answer)
		again.want(t, http.StatusOK, "")
		r := p.says(again.body)
		if r.Kind != "answer" || r.N != 1 || r.Subject != parse(t, answer).Digest() || r.Command != u.order.Digest() {
			t.Errorf("the receipt for the answer says %+v", r)
		}
		told := u.do(u.unknown, http.MethodPut, "/v1/cases/"+string(u.command.Case)+"/tombstone", tombstone(u.r[:]))
		told.want(t, http.StatusOK, "")
		if r := p.says(told.body); r.Kind != "tombstone" || r.Subject != certificate.Commitment(u.r[:]) || r.Command != u.order.Digest() {
			t.Errorf("the receipt for the tombstone says %+v", r)
		}
	}
}

// A receipt for an answer or a tombstone that somebody else signed is found by our
// program and by stock tools.
func TestAnswersVerifyWithTheirReceipts(t *testing.T) {
	o := newOffice(t)
	u := whole(t, o, "T-1")
	out := filepath.Join(o.work, "export")
	o.cli("cases", "export", string(u.command.Case), "--dir", string(o.dir), "--out", out)
	lines := map[string]string{"receipts/answer-2.json": "others", "receipts/tombstone.json": "tombstone"}
	good := map[string][]byte{}
	for file := range lines {
		path := filepath.Join(out, file)
		text, err := os.ReadFile(path)
		o.check(err)
		e := parse(t, text)
		forged := &envelope.Envelope{PayloadType: e.PayloadType, Payload: e.Payload}
		o.check(forged.Add(o.signer("ops-1")))
		good[file] = text
		o.check(os.WriteFile(path, forged.Encode(), 0o644))
	}
	o.check(os.Remove(filepath.Join(out, "index.json")))                         // it is not by the index that they are found
	said, _ := exec.Command("../../scripts/check-case.sh", out).CombinedOutput() // its lines are looked at
	ours, _, code := verb(t, "verify", out)
	for file, line := range lines {
		if code != exitFailed || !strings.Contains(ours, file) {
			t.Errorf("%s is somebody else's and the case verifies:\n%s", file, ours)
		}
		if !strings.Contains(string(said), "FAILED  "+line+" ") {
			t.Errorf("%s is somebody else's and check-case.sh says:\n%s", file, said)
		}
		o.check(os.WriteFile(filepath.Join(out, file), good[file], 0o644))
	}
	// What is taken away with its proofs is missed all the same, and hides nothing else.
	o.check(os.RemoveAll(filepath.Join(out, "proofs")))
	for _, file := range []string{"receipts/answer-1.json", "receipts/tombstone.json"} {
		path := filepath.Join(out, file)
		o.check(os.Rename(path, path+".away"))
		if said, _, code := verb(t, "verify", out); code != exitFailed || !strings.Contains(said, file) {
			t.Errorf("%s is not there and the case verifies:\n%s", file, said)
		}
		o.check(os.Rename(path+".away", path))
	}
	again := filepath.Join(o.work, "again")
	o.cli("cases", "export", string(u.command.Case), "--dir", string(o.dir), "--out", again)
	out = again
	if said, _, code := verb(t, "verify", out); code != 0 {
		t.Fatalf("the case does not verify:\n%s", said)
	}
	said, _ = exec.Command("../../scripts/check-case.sh", out).CombinedOutput() // this case's certificate has no gate
	for _, line := range []string{"tombstone ", "others ", "desk's log "} {
		if !strings.Contains(string(said), "ok      "+line) {
			t.Errorf("check-case.sh does not find %sgood:\n%s", line, said)
		}
	}
}

// An order that was refused, and taken after all once the cause was mended, is a case
// like any other: it can be cancelled, and its backup is taken.
func TestARefusedOrderThatIsTakenAfterAllGoesOn(t *testing.T) {
	o := newOffice(t)
	m := newTerminal(o, "T-1")
	m.trade(3)
	u := m.begun(o.order(unbind("T-1"), "ops-1", "sec-1"))
	id := string(u.command.Case)
	u.answer(u.command.Case, 1, u.order.Digest(), command.Refused).want(t, http.StatusOK, "")
	if got := o.state(id); got != "refused" {
		t.Fatalf("the case is %s, want refused", got)
	}
	refused := u.get(u.at("answer", 1)).body
	u.answer(u.command.Case, 2, u.order.Digest(), command.Accepted).want(t, http.StatusOK, "")
	u.put(u.at("answer", 1), refused).want(t, http.StatusOK, "") // a late copy takes nothing back
	if got := o.state(id); got != "accepted" {
		t.Fatalf("the case is %s, want accepted", got)
	}
	u.sealed(nothing)
	u.deliver()
	cancel := o.order([]string{"cancel", "--case", id}, "ops-2")
	if _, got := m.orders(nil); len(got.Orders) != 2 || parse(t, got.Orders[1]).Digest() != cancel.Digest() {
		t.Errorf("the terminal is offered %d orders, want the command and its cancel", len(got.Orders))
	}
	u.answer(u.command.Case, 3, u.order.Digest(), command.Cancelled).want(t, http.StatusOK, "")
	if got := o.state(id); got != "cancelled" {
		t.Errorf("the case is %s, want cancelled", got)
	}
}

// Where another order was issued meanwhile, the first one's orders go out beside its.
func TestWhatIsOrderedInACaseTakenAfterAllGoesOut(t *testing.T) {
	o := newOffice(t)
	m := newTerminal(o, "T-1")
	u := m.begun(o.order(unbind("T-1"), "ops-1", "sec-1"))
	u.answer(u.command.Case, 1, u.order.Digest(), command.Refused).want(t, http.StatusOK, "")
	second := o.order(unbind("T-1"), "ops-1", "sec-1")
	u.answer(u.command.Case, 2, u.order.Digest(), command.Accepted).want(t, http.StatusOK, "")
	cancel := o.order([]string{"cancel", "--case", string(u.command.Case)}, "ops-2")
	_, got := m.orders(nil)
	var offered []envelope.Digest
	for _, text := range got.Orders {
		offered = append(offered, parse(t, text).Digest())
	}
	if want := []envelope.Digest{u.order.Digest(), cancel.Digest(), second.Digest()}; !slices.Equal(offered, want) {
		t.Errorf("the terminal is offered %v, want command, cancel and the other command, %v", offered, want)
	}
}
