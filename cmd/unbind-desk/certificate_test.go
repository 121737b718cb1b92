package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/envelope"
)

// backedUp is a case up to the receipt for its backup.
func backedUp(t *testing.T, o *office, id string) *unbinding {
	t.Helper()
	m := newTerminal(o, id)
	m.trade(2)
	u := m.begin(o.order(unbind(id), "ops-1", "sec-1"))
	u.sealed(nothing)
	u.deliver()
	u.ticket()
	return u
}

func TestCertificateMustFit(t *testing.T) {
	o := newOffice(t)
	u := backedUp(t, o, "T-1")
	digest := envelope.DigestOf([]byte("another"))
	for _, c := range []struct {
		code   string
		change func(*certificate.Predicate)
	}{
		{"E28:case", func(p *certificate.Predicate) { p.Case = "C-9" }},
		{"E28:case", func(p *certificate.Predicate) { p.N = 2 }},
		{"E28:terminal", func(p *certificate.Predicate) { p.Terminal.ID = "T-2" }},
		{"E28:terminal", func(p *certificate.Predicate) { p.Terminal.Epoch = 2 }},
		{"E28:binding", func(p *certificate.Predicate) { p.Binding = digest }},
		{"E28:command", func(p *certificate.Predicate) { p.Command.Digest = digest }},
		{"E28:receipt", func(p *certificate.Predicate) { p.Receipt.Digest = digest }},
		{"E28:receipt", func(p *certificate.Predicate) { p.Receipt.Digest = u.order.Digest() }}, // gate receipt
		{"E28:supersedes", func(p *certificate.Predicate) { p.Supersedes = digest }},
		{"E06:record", func(p *certificate.Predicate) { p.Reader.Record = nil }},
		{"E06:record", func(p *certificate.Predicate) { p.Reader.Record.Sig[0] ^= 1 }},
		{"E06:record", func(p *certificate.Predicate) { p.Reader.Record.SN = "PED-9" }},
	} {
		u.put(u.at("certificate", 1), u.certificate(1, c.change)).want(t, http.StatusUnprocessableEntity, c.code)
	}
	other := newTerminal(o, "T-2")
	forged := *u
	forged.terminal = &terminal{}
	*forged.terminal = *u.terminal
	forged.device = other.device
	u.put(u.at("certificate", 1), forged.certificate(1, complete)).want(t, http.StatusForbidden, "E04")
	u.put(u.at("certificate", 1), u.certificate(1, complete)).want(t, http.StatusOK, "")
	if got := o.state(string(u.command.Case)); got != "acknowledged" {
		t.Fatalf("the case is %s, want acknowledged", got)
	}
	r, _ := u.orders(nil)
	r.want(t, http.StatusNoContent, "")
}

// A reader that lies ends in a partial certificate: the desk keeps it, the
// orders stay out, and a repaired reader or a close ends the case.
func TestPartialCertificate(t *testing.T) {
	o := newOffice(t)
	u := backedUp(t, o, "T-1")
	id := u.command.Case
	lied := func(p *certificate.Predicate) {
		p.Reader.Authenticated, p.Reader.Outcome = false, "unverified"
		p.Reader.Record.Sig[0] ^= 1
	}
	first := u.certificate(1, lied)
	u.put(u.at("certificate", 1), first).want(t, http.StatusOK, "")
	if got := o.state(string(id)); got != "erased" {
		t.Fatalf("the case is %s, want erased", got)
	}
	r, _ := u.orders(nil)
	r.want(t, http.StatusOK, "")

	order := o.order([]string{"close", "--case", string(id)}, "ops-1", "sec-1", "rel-1")
	var said command.Close
	u.check(envelope.Decode(order.Payload, &said))
	if said.Certificate != parse(t, first).Digest() || o.state(string(id)) != "closed" {
		t.Fatalf("the close names %s, the case is %s", said.Certificate, o.state(string(id)))
	}
	_, got := u.orders(nil)
	if len(got.Orders) != 2 {
		t.Fatalf("the close is not offered: %d orders", len(got.Orders))
	}
	u.answer(id, 2, order.Digest(), command.Accepted).want(t, http.StatusOK, "")
	r, _ = u.orders(nil)
	r.want(t, http.StatusNoContent, "")
	u.reveal(u.r[:]).want(t, http.StatusOK, "")
	if got := o.state(string(id)); got != "gone" {
		t.Fatalf("the case is %s, want gone", got)
	}
	out := filepath.Join(o.work, "export")
	o.cli("cases", "export", string(id), "--dir", string(o.dir), "--out", out)
	if told := o.cli("verify", out); !strings.Contains(told, "does not call it authentic") {
		t.Fatalf("verify hides that the reader's record is not authentic:\n%s", told)
	}
}

func (u *unbinding) reveal(r []byte) reply {
	u.t.Helper()
	return u.do(u.unknown, http.MethodPut, "/v1/cases/"+string(u.command.Case)+"/tombstone", tombstone(r))
}

func TestTombstone(t *testing.T) {
	o := newOffice(t)
	u := backedUp(t, o, "T-1")
	u.reveal(u.r[:]).want(t, http.StatusForbidden, "E28:tombstone") // nothing committed to it yet
	u.put(u.at("certificate", 1), u.certificate(1, complete)).want(t, http.StatusOK, "")
	wrong := u.r
	wrong[0] ^= 1
	u.reveal(wrong[:]).want(t, http.StatusForbidden, "E28:tombstone")
	u.reveal(u.r[:31]).want(t, http.StatusBadRequest, "E07:tombstone")
	if got := o.state(string(u.command.Case)); got != "acknowledged" {
		t.Fatalf("a wrong preimage moved the case to %s", got)
	}
	u.reveal(u.r[:]).want(t, http.StatusOK, "")
	u.reveal(u.r[:]).want(t, http.StatusOK, "")
	u.do(u.unknown, http.MethodPut, "/v1/cases/C-2026-999999/tombstone", tombstone(u.r[:])).want(t, http.StatusForbidden, "E28:tombstone")
}

// Every file of an export that is changed or taken away is found out, also where the
// desk listed none.
func TestVerifyFindsEveryChange(t *testing.T) {
	o := newOffice(t)
	u := whole(t, o, "T-1")
	out := filepath.Join(o.work, "export")
	o.cli("cases", "export", string(u.command.Case), "--dir", string(o.dir), "--out", out)
	u.check(os.Remove(filepath.Join(out, "index.json")))
	must := []string{ // what is taken away leaves its proof of the log behind
		"trust.json", "anchor.txt", "command.json", "binding.json", "profile.json", "manifest.json", "ticket.json", "receipts/backup.json",
		"certificate.json", "receipts/certificate.json", "tombstone-reveal.json", "receipts/tombstone.json", "answers/1.json", "receipts/answer-1.json", "backup.jsonl.zst.age",
	}
	whenChanged := append([]string{"enrol-ticket.json"}, must...)
	args := []string{"verify", out, "--identity", o.dir.Identity()}
	for _, name := range whenChanged {
		path := filepath.Join(out, name)
		text, err := os.ReadFile(path)
		u.check(err)
		spoiled := append([]byte{}, text...)
		i := len(spoiled) / 3
		if spoiled[i] == 'A' {
			spoiled[i] = 'B'
		} else {
			spoiled[i] = 'A'
		}
		u.check(os.WriteFile(path, spoiled, 0o644))
		for _, args := range [][]string{args, args[:2]} { // with the identity and without
			if said, _, code := verb(t, args...); code != exitFailed {
				t.Errorf("%s was changed and the case verifies:\n%s", name, said)
			}
		}
		u.check(os.WriteFile(path, text, 0o644))
	}
	for _, name := range must {
		path := filepath.Join(out, name)
		u.check(os.Rename(path, path+".away"))
		if said, _, code := verb(t, args...); code != exitFailed {
			t.Errorf("%s was taken away and the case verifies:\n%s", name, said)
		}
		u.check(os.Rename(path+".away", path))
	}
	if _, _, code := verb(t, append(args, "--anchor", "sha256:"+strings.Repeat("0", 64))...); code != exitFailed {
		t.Error("the case verifies from another anchor")
	}
	var told struct {
		OK      bool
		Results []struct{ Check, Status string }
	}
	u.check(json.Unmarshal([]byte(o.cli(append(args, "--json")...)), &told))
	if !told.OK || len(told.Results) != 22 {
		t.Errorf("restored, the case does not verify: %+v", told)
	}
}
