package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/enrol"
	"unbindd/agent/envelope"
	"unbindd/agent/manifest"
	"unbindd/agent/receipt"
	"unbindd/agent/ticket"
	"unbindd/cmd/unbind-desk/internal/signer"
)

func parse(t *testing.T, text []byte) *envelope.Envelope {
	t.Helper()
	e, err := envelope.Parse(text, envelope.MaxSize)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func nothing(*manifest.Manifest)      {}
func complete(*certificate.Predicate) {}
func nobody(*enrol.Request)           {}
func (o *office) state(id string) string {
	o.t.Helper()
	var w struct{ State string }
	o.check(json.Unmarshal([]byte(o.cli("cases", "show", id, "--dir", string(o.dir), "--json")), &w))
	return w.State
}

// whole carries a case from the command to the tombstone and returns it.
func whole(t *testing.T, o *office, id string) *unbinding {
	t.Helper()
	m := newTerminal(o, id)
	m.trade(3)
	m.closeBatch()
	u := m.begin(o.order(unbind(id), "ops-1", "sec-1"))
	finish(u)
	return u
}

// finish carries an accepted case to its tombstone.
func finish(u *unbinding) {
	t := u.t
	t.Helper()
	u.sealed(nothing)
	u.deliver()
	u.ticket()
	u.answer(u.command.Case, 2, u.order.Digest(), command.Completed).want(t, http.StatusOK, "")
	u.put(u.at("certificate", 1), u.certificate(1, complete)).want(t, http.StatusOK, "")
	u.do(u.unknown, http.MethodPut, "/v1/cases/"+string(u.command.Case)+"/tombstone", tombstone(u.r[:])).want(t, http.StatusOK, "")
}

// ticket has the signer's process sign what waits, once, and fetches it.
func (u *unbinding) ticket() {
	u.t.Helper()
	p, err := ticketProcess(u.t.Context(), u.desk.dir, u.desk.dir.Key("reader-1"), "")
	u.check(err)
	u.check(p.Round(u.t.Context()))
	r := u.get(u.at("tickets", u.manifest.N))
	r.want(u.t, http.StatusOK, "")
	f, err := ticket.Read(r.body)
	u.check(err)
	grounds, err := signer.Papers{
		Anchor: u.anchor(), Trust: []*envelope.Envelope{parse(u.t, u.welcome.Trust[0])},
		Command: u.order, Binding: parse(u.t, u.welcome.Binding), Manifest: parse(u.t, u.signed), Receipt: u.authority,
	}.Order()
	u.check(err)
	if f.SN != grounds.SN || f.EraCnt != int64(grounds.EraCnt) {
		u.t.Fatalf("the ticket is for %s at %d", f.SN, f.EraCnt)
	}
}

func (m *terminal) anchor() envelope.Digest {
	m.t.Helper()
	anchor, err := m.desk.dir.ReadAnchor()
	m.check(err)
	return anchor
}

func TestWholeCase(t *testing.T) {
	o := newOffice(t)
	u := whole(t, o, "T-1")
	id := string(u.command.Case)
	if got := o.state(id); got != "gone" {
		t.Fatalf("the case is %s, want gone", got)
	}
	out := filepath.Join(o.work, "export")
	o.cli("cases", "export", id, "--dir", string(o.dir), "--out", out)
	for _, name := range []string{
		"command.json", "trust.json", "anchor.txt", "enrol-ticket.json", "binding.json", "profile.json", "manifest.json",
		"ticket.json", "backup.jsonl.zst.age", "receipts/backup.json", "receipts/certificate.json", "certificate.json",
		"answers/1.json", "answers/2.json", "receipts/answer-1.json", "receipts/answer-2.json", "tombstone-reveal.json", "receipts/tombstone.json",
	} {
		if _, err := os.Stat(filepath.Join(out, name)); err != nil {
			t.Errorf("the export lacks %s", name)
		}
	}
	// Approvers, three roots, receipt, enrol, ticket signer, device, reader.
	if keys, _ := filepath.Glob(filepath.Join(out, "keys", "ed25519_*.pem")); len(keys) != 10 {
		t.Errorf("the export has %d public keys, want 10", len(keys))
	}
	told := o.cli("verify", out, "--anchor", string(u.anchor()), "--identity", o.dir.Identity())
	told, last, _ := strings.Cut(told, "Verified: ")
	if !strings.Contains(last, "certificate complete; ") {
		t.Errorf("verify says at last: %s", last)
	}
	for line := range strings.Lines(told) {
		word := strings.Fields(line)
		if word[0] != "ok" && (word[0] != "absent" || !slices.Contains([]string{"papers", "campaign", "orders", "custody", "validation"}, word[1])) {
			t.Errorf("verify says: %s", line)
		}
	}
	if o.stop() != 0 {
		t.Fatalf("the desk did not end well: %s", o.log)
	}
	if log := o.log.String(); log != "" {
		t.Errorf("the desk logged: %s", log)
	}
}

func TestReceiptSaysWhatTheTerminalKnows(t *testing.T) {
	o := newOffice(t)
	m := newTerminal(o, "T-1")
	m.trade(5)
	u := m.begin(o.order(unbind("T-1"), "ops-1", "sec-1"))
	u.sealed(nothing)
	u.deliver()
	var r receipt.Receipt
	u.check(envelope.Decode(u.authority.Payload, &r))
	if r.Totals == nil || r.Totals.Count != 5 || r.Totals.Head != u.manifest.Head || r.Verified != receipt.Restored || r.Subject != u.digest {
		t.Fatalf("the receipt says %+v", r)
	}
	if len(r.Totals.Sums) != 1 || r.Totals.Sums[0].Amount != 1001+1002+1003+1004+1005 {
		t.Fatalf("the receipt's sums are %+v", r.Totals.Sums)
	}
	if got := o.state(string(u.command.Case)); got != "backed-up" {
		t.Fatalf("the case is %s, want backed-up", got)
	}
}
