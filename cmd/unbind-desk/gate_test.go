package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/ledger"
	"unbindd/agent/manifest"
	"unbindd/agent/profile"
	"unbindd/agent/ticket"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/directory"
	"unbindd/cmd/unbind-desk/internal/grounds"
	"unbindd/cmd/unbind-desk/internal/signer"
	"unbindd/cmd/unbind-desk/internal/store"
	"unbindd/cmd/unbind-desk/internal/store/bolt"
)

// With gate none the command itself, which role release signed too, allows the
// erase: no file, no receipt, and a ticket all the same.
func TestGateNone(t *testing.T) {
	o := newOffice(t)
	m := newTerminal(o, "T-1")
	u := m.begin(o.order(unbind("T-1", "--gate", "none"), "ops-1", "sec-1", "rel-1"))
	u.sealed(func(m *manifest.Manifest) { m.Digest, m.Size = envelope.DigestOf(nil), 0 })
	u.put(u.at("manifest", 1), u.signed).want(t, http.StatusNoContent, "")
	p, err := ticketProcess(t.Context(), o.dir, o.dir.Key("reader-1"), "")
	u.check(err)
	u.check(p.Round(t.Context()))
	r := u.get(u.at("tickets", 1))
	r.want(t, http.StatusOK, "")
	f, err := ticket.Read(r.body)
	u.check(err)
	order, err := grounds.OrderFor(u.manifest, u.order.Digest())
	u.check(err)
	believed, err := trust.Chain(u.anchor(), []*envelope.Envelope{parse(t, u.welcome.Trust[0])})
	u.check(err)
	if _, err := f.Check(order, believed); err != nil {
		t.Fatal(err)
	}
	u.authority = u.order
	u.put(u.at("certificate", 1), u.certificate(1, complete)).want(t, http.StatusOK, "")
}

// Nobody signs unattended for what waits for a receipt, or for what a person
// must decide.
func TestNoTicketWithoutReceipt(t *testing.T) {
	o := newOffice(t)
	for i, c := range []struct{ flags, holders []string }{
		{nil, []string{"ops-1", "sec-1"}},
		{[]string{"--gate", "sealed"}, []string{"ops-1", "sec-1", "rel-1"}},
		{[]string{"--sealed-after", "1"}, []string{"ops-1", "sec-1", "rel-1"}},
	} {
		m := newTerminal(o, fmt.Sprintf("T-%d", i))
		m.trade(1)
		u := m.begin(o.order(unbind(m.id, c.flags...), c.holders...))
		u.sealed(nothing)
		u.put(u.at("manifest", 1), u.signed).want(t, http.StatusNoContent, "")
		p, err := ticketProcess(t.Context(), o.dir, o.dir.Key("reader-1"), "")
		u.check(err)
		if list := u.do(p.Client, http.MethodGet, "/v1/tickets", nil); string(list.body) != "[]" {
			t.Fatalf("the desk asks for tickets: %s", list.body)
		}
		u.check(p.Round(t.Context()))
		u.get(u.at("tickets", 1)).want(t, http.StatusNotFound, "E28:ticket")
		// Nor does the signer itself make one, whatever a desk asks for.
		_, err = signer.Papers{
			Anchor: u.anchor(), Trust: []*envelope.Envelope{parse(t, u.welcome.Trust[0])},
			Command: u.order, Binding: parse(t, u.welcome.Binding), Manifest: parse(t, u.signed),
		}.Order()
		if envelope.CodeOf(err) != "E29:receipt" {
			t.Fatalf("the signer says %v", err)
		}
	}
}

// rotate publishes trust version 2, which names one more profile, and the profile.
func (o *office) rotate(p profile.Profile) {
	o.t.Helper()
	text, err := os.ReadFile(o.dir.Trust())
	o.check(err)
	bundles, err := directory.ParseArray(text)
	o.check(err)
	var b trust.Bundle
	o.check(envelope.Decode(bundles[0].Payload, &b))
	e, err := envelope.Seal(envelope.Type(profile.Kind), p, o.signer("ops-1"), o.signer("sec-1"))
	o.check(err)
	b.Version, b.Profiles[p.ID] = 2, e.Digest()
	publish := func(signed *envelope.Envelope) (string, int) {
		path := o.file("publish.json")
		o.check(os.WriteFile(path, signed.Encode(), 0o644))
		_, said, code := verb(o.t, "publish", "--dir", string(o.dir), path)
		return said, code
	}
	next, err := envelope.Seal(envelope.Type(trust.Kind), b, o.signer("root-1"), o.signer("root-2"))
	o.check(err)
	if said, code := publish(e); code != exitRefused {
		o.t.Fatalf("a profile that no bundle names was taken: %s", said)
	}
	if said, code := publish(next); code != exitRefused {
		o.t.Fatalf("a bundle of two roots was taken: %s", said)
	}
	o.check(next.Add(o.signer("root-3")))
	for _, signed := range []*envelope.Envelope{next, e} {
		if said, code := publish(signed); code != exitDone {
			o.t.Fatal(said)
		}
	}
}

// A replacement: the successor accepts what it took over, the old terminal sees
// it, and the successor's own ledger goes on where the old one ended.
func TestReplace(t *testing.T) {
	o := newOffice(t)
	old, next, other := newTerminal(o, "T-1"), newTerminal(o, "T-2"), newTerminal(o, "T-3")
	p := directory.Profiles(nil)[0]
	p.ID, p.Action = "replace-standard", "replace"
	o.rotate(p)
	for _, m := range []*terminal{old, next} {
		_, bundle := m.orders(nil)
		if len(bundle.Trust) != 2 || len(bundle.Orders) != 0 {
			t.Fatalf("the next version comes with %d orders, %d versions", len(bundle.Orders), len(bundle.Trust))
		}
	}
	for action, exit := range map[string]int{"replace": exitRefused, "quarantine": exitRefused, "reboot": exitUsage} {
		if _, said, code := verb(t, "issue", "--dir", string(o.dir), "--out", o.file("x"), "--terminal", "T-1", "--action", action,
			"--profile", "replace-standard", "--reason", "device-swap"); code != exit || strings.Contains(said, "E17:action") != (exit == exitRefused) {
			t.Errorf("%s is offered: exit %d, %s", action, code, said)
		}
	}
	// No terminal carries it out, so the desk drafts none, whoever asks; a case that an
	// older one drafted goes its way.
	for _, action := range []envelope.ID{command.Replace, command.Quarantine, "reboot"} {
		if _, err := operator(string(o.dir)).Issue(t.Context(), desk.Wish{
			Terminal: "T-1", Action: action, Profile: "replace-standard", Reason: "device-swap",
			Gate: command.GateReceipt, Level: command.Clear, Set: directory.RecipientSet, Valid: 3600,
		}); envelope.CodeOf(err) != "E17:action" {
			t.Errorf("%s was drafted: %v", action, err)
		}
	}
	old.trade(2)
	path := o.olderReplacement("T-1", next)
	o.cli("sign", "--key", o.dir.Key("ops-1"), path)
	o.cli("sign", "--key", o.dir.Key("sec-1"), path)
	o.cli("publish", "--dir", string(o.dir), path)
	order, err := readEnvelope(path)
	o.check(err)
	u := old.begin(order)
	if _, got := old.orders(nil); len(got.Trust) != 2 || len(got.Orders) != 1 {
		t.Fatalf("the order does not come with both bundles: %d", len(got.Trust))
	}
	u.sealed(nothing)
	word := func(m *terminal, manifest envelope.Digest) []byte {
		return m.seal("acceptance", map[string]any{
			"command": u.order.Digest(), "epoch": 1, "head": u.manifest.Head, "manifest": manifest, "terminal": m.id, "v": 1,
		})
	}
	next.put(u.at("acceptance", 1), word(next, u.digest)).want(t, http.StatusUnprocessableEntity, "E28:manifest")
	u.deliver()
	next.put(u.at("acceptance", 1), word(next, u.bound)).want(t, http.StatusUnprocessableEntity, "E28:manifest")
	next.put(u.at("acceptance", 1), word(old, u.digest)).want(t, http.StatusForbidden, "E04")
	other.put(u.at("acceptance", 1), word(other, u.digest)).want(t, http.StatusForbidden, "E09:successor")
	accepted := word(next, u.digest)
	next.put(u.at("acceptance", 1), accepted).want(t, http.StatusNoContent, "")
	next.put(u.at("acceptance", 1), accepted).want(t, http.StatusNoContent, "")
	full(t, next.put(u.at("acceptance", 65), accepted), "E27:case")
	o.stop()
	o.start("--least-free", strconv.FormatInt(1<<60, 10)) // its disk is full to its mark
	next.put(u.at("acceptance", 1), accepted).want(t, http.StatusNoContent, "")
	full(t, next.put(u.at("acceptance", 2), accepted), "E27:space")
	o.stop()
	o.start()
	if r := old.get(u.at("acceptance", 1)); string(r.body) != string(accepted) {
		t.Fatalf("the old terminal does not see the acceptance: %s", r.body)
	}

	next.head, next.start = old.head, &old.head
	next.trade(1)
	v := next.begin(o.order(unbind("T-2"), "ops-1", "sec-1"))
	v.sealed(nothing)
	v.deliver()
}

// olderReplacement makes a drafted case into one that an older desk drafted, with a
// successor; the file is its unsigned command.
func (o *office) olderReplacement(terminal string, next *terminal) (path string) {
	o.t.Helper()
	e, path := o.draft(unbind(terminal))
	var c command.Command
	o.check(envelope.Decode(e.Payload, &c))
	c.Action, c.Reason = command.Replace, "device-swap"
	c.Successor = &command.Successor{Device: next.signer().Public().ID(), Terminal: envelope.ID(next.id)}
	e, err := envelope.Seal(envelope.Type(command.Kind), c)
	o.check(err)
	o.whileStopped(func(tx *store.Tx) error {
		drafted, err := tx.Case(c.Case)
		drafted.Command, drafted.Draft = e.Digest(), e.Encode()
		return errors.Join(err, tx.PutCase(drafted), tx.PutSuccessor(c.Successor.Device, c.Case))
	})
	o.check(os.WriteFile(path, e.Encode(), 0o600))
	return path
}

// whileStopped changes the desk's store between two runs of it.
func (o *office) whileStopped(f func(*store.Tx) error) {
	o.t.Helper()
	o.stop()
	base, err := bolt.Open(string(o.dir))
	o.check(err)
	kept, err := store.New(base)
	o.check(err)
	o.check(kept.Change(f))
	o.check(kept.Close())
	o.start()
}

// A certificate may rest on an amendment that allows a sealed backup.
func TestAmendedCase(t *testing.T) {
	o := newOffice(t)
	m := newTerminal(o, "T-1")
	m.trade(1)
	u := m.begin(o.order(unbind("T-1"), "ops-1", "sec-1"))
	id := string(u.command.Case)
	u.sealed(nothing)
	u.put(u.at("manifest", 1), u.signed).want(t, http.StatusNoContent, "")
	o.order([]string{"amend", "--case", id, "--allow", "reader-absent"}, "ops-1", "sec-1", "rel-1")
	amend := o.order([]string{"amend", "--case", id, "--allow", "sealed-backup"}, "ops-1", "sec-1", "rel-1")
	u.authority = amend
	made := u.handMade()
	r, err := u.ask(u.ticketClient(), http.MethodPut, u.at("tickets", 1), nil, bytes.NewReader(made), int64(len(made)))
	u.check(err)
	r.want(t, http.StatusNoContent, "")
	u.put(u.at("certificate", 1), u.certificate(1, func(p *certificate.Predicate) { p.Receipt.Kind = "amend" })).want(t, http.StatusOK, "")
	out := o.file("export")
	o.cli("cases", "export", id, "--dir", string(o.dir), "--out", out)
	o.cli("verify", out)
	var w struct{ Objects []struct{ Kind string } }
	o.check(json.Unmarshal([]byte(o.cli("cases", "show", id, "--dir", string(o.dir), "--json")), &w))
	if len(w.Objects) != 9 { // command, answer, manifest, 2 amend, ticket, certificate, 2 receipts
		t.Fatalf("the case has %d objects: %+v", len(w.Objects), w.Objects)
	}
}

// origin is where the terminal's chain begins.
func (m *terminal) origin() [32]byte {
	m.t.Helper()
	if m.start != nil {
		return *m.start
	}
	raw, err := m.bound.Raw()
	m.check(err)
	return ledger.Start(raw)
}

func chainText(c [32]byte) string { return hex.EncodeToString(c[:]) }
