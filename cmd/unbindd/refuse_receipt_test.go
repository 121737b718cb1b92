package main

import (
	"errors"
	"os"
	"slices"
	"testing"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/local"
	"unbindd/agent/manifest"
	"unbindd/agent/receipt"
	"unbindd/agent/ticket"
)

// held is a terminal that waits for a receipt while its desk is away; the
// manifest is the one it waits over.
type held struct {
	*world
	manifest manifest.Manifest
	subject  envelope.Digest
	out      string // what the desk had of the case
}

// holds brings a case to deliver-backup and takes the desk away "before" it
// commits the backup, or "after" it has, and before the receipt is on its way.
func holds(t *testing.T, when string) held {
	t.Helper()
	h := held{world: newWorld(t, options{sales: 20})}
	h.startDaemon()
	h.traded(20)
	h.desk.stop()
	h.startDesk("--pause-at", "backup:"+when)
	h.publish(h.sign(h.issue(), "ops-1", "sec-1"))
	h.desk.sign("paused ")
	h.daemon.kill()
	h.desk.kill()
	h.startDesk()
	h.export()
	h.desk.stop()
	h.startDaemon()
	h.until("waiting for the receipt", waitsToDeliver)
	return h
}

// export writes what the desk has of the case and reads the manifest of it.
func (h *held) export() {
	h.t.Helper()
	h.out = h.path("held")
	if err := os.RemoveAll(h.out); err != nil {
		h.t.Fatal(err)
	}
	must(h.t, "unbind-desk", "cases", "export", h.caseID(), "--dir", h.path("desk"), "--out", h.out)
	h.subject = payload(h.t, h.out+"/manifest.json", &h.manifest)
}

func waitsToDeliver(s local.Status) bool {
	return s.Case != nil && s.Case.Outcome == "running" && s.Case.Waiting == "receipt and ticket"
}

// receipt is the right one for the manifest.
func (h *held) receipt() receipt.Receipt {
	m := h.manifest
	r := receipt.Receipt{
		Case: m.Case, Command: m.Command, Kind: "backup", N: m.N, Received: 1, Subject: h.subject, Terminal: m.Terminal,
		Totals: &receipt.Totals{Count: m.Count, Head: m.Head}, V: 1, Verified: receipt.Restored,
	}
	for _, s := range m.Sums {
		r.Totals.Sums = append(r.Totals.Sums, receipt.Sum(s))
	}
	return r
}

// A receipt that differs from what the terminal knows itself, in any one field,
// or is signed by somebody else, erases nothing; the right one does.
func TestAWrongReceiptErasesNothing(t *testing.T) {
	t.Parallel()
	h := holds(t, "before")
	other := envelope.DigestOf([]byte("another"))
	for _, c := range []struct {
		code string
		bend func(*receipt.Receipt)
	}{
		{"E24:subject", func(r *receipt.Receipt) { r.Subject = other }},
		{"E24:subject", func(r *receipt.Receipt) { r.Subject = h.manifest.Digest }}, // the file's, not the manifest's
		{"E24:command", func(r *receipt.Receipt) { r.Command = other }},
		{"E24:case", func(r *receipt.Receipt) { r.Case = "C-2020-000001" }},
		{"E24:terminal", func(r *receipt.Receipt) { r.Terminal = "T-30041878" }},
		{"E24:n", func(r *receipt.Receipt) { r.N++ }},
		{"E24:verified", func(r *receipt.Receipt) { r.Verified = receipt.Checked }},
		{"E24:totals", func(r *receipt.Receipt) { r.Totals = nil }},
		{"E24:count", func(r *receipt.Receipt) { r.Totals.Count-- }},
		{"E24:head", func(r *receipt.Receipt) { r.Totals.Head = other }},
		{"E24:sums", func(r *receipt.Receipt) { r.Totals.Sums[0].Amount-- }},
		{"E24:sums", func(r *receipt.Receipt) { r.Totals.Sums = r.Totals.Sums[1:] }},
		{"E24:kind", func(r *receipt.Receipt) { r.Kind = "archive" }},
		{"E24:v", func(r *receipt.Receipt) { r.V = 2 }},
	} {
		r := h.receipt()
		c.bend(&r)
		h.refuses(h.sealed(receipt.Kind, r, "receipt-1"), c.code)
	}
	for _, holders := range [][]string{nil, {"ops-1"}, {"reader-1"}, {"ops-1", "sec-1", "rel-1"}} {
		h.refuses(h.sealed(receipt.Kind, h.receipt(), holders...), "E24:signer")
	}
	h.refuses(h.signed(envelope.Type(receipt.Kind), []byte(`{"v": 1}`), "receipt-1"), "E24:form")
	r := h.receipt()
	r.Totals.Count++
	h.toolRefuses(h.keep("receipt.json", h.sealed(receipt.Kind, r, "receipt-1")), "E24:count")
	h.nothingErased()
	h.until("still waiting", waitsToDeliver)
	h.startDesk() // it gives the right one
	h.unbound()
	h.provesComplete(20)
}

// Receipt and ticket may be carried in by hand while the desk is away: they are
// the desk's and the ticket signer's all the same.
func TestReceiptAndTicketByHandAreEnough(t *testing.T) {
	t.Parallel()
	h := holds(t, "after")
	h.refuses(h.ticket(h.right(), "reader-1"), "E29:early")
	if o := h.load(h.out + "/receipts/backup.json"); o.Outcome != "accepted" {
		t.Fatalf("%s %s", o.Outcome, told(o))
	}
	h.until("still waiting, for the ticket", waitsToDeliver)
	h.nothingErased()
	by := h.path("by-hand.json")
	must(t, "unbind-desk", "ticket", "--key", h.path("desk", "keys", "reader-1.pem"), "--anchor", h.anchor(), "--trust", h.out+"/trust.json",
		"--command", h.out+"/command.json", "--binding", h.out+"/binding.json", "--manifest", h.out+"/manifest.json",
		"--receipt", h.out+"/receipts/backup.json", "--out", by)
	if out, problems, code := h.tool("load", by); code != 0 {
		t.Fatalf("unbindctl load ends with %d\n%s%s", code, out, problems)
	}
	h.until("the erase", func(s local.Status) bool { return s.Case != nil && s.Case.Crossed })
	h.startDesk()
	h.unbound()
	h.export()
	must(t, "unbind-desk", "verify", h.out, "--identity", h.path("desk", "keys", "recipient.key"))
	// The desk never saw this ticket; whoever carried it lays it in the place of the desk's
	// own, for the same erase, and the desk's list of the files is none of that folder.
	if err := errors.Join(os.Rename(by, h.out+"/ticket.json"), os.Remove(h.out+"/index.json")); err != nil {
		t.Fatal(err)
	}
	must(t, "unbind-desk", "verify", h.out, "--identity", h.path("desk", "keys", "recipient.key"))
	h.onlyTheTombstone()
	h.erasedOnce()
	h.onlyTheInventory()
}

// A ticket that is for another moment of the reader, for another order, or by
// another key erases nothing; and none is taken before there is a receipt.
func TestAWrongTicketErasesNothing(t *testing.T) {
	t.Parallel()
	h := held{world: newWorld(t, options{sales: 20, noTicket: true})}
	h.startDaemon()
	h.traded(20)
	h.publish(h.sign(h.issue(), "ops-1", "sec-1"))
	h.until("waiting for the ticket", waitsToDeliver)
	h.until("an empty outbox", func(s local.Status) bool { return s.Outbox == 0 })
	h.export()
	right := h.right()
	for _, c := range []struct {
		code   string
		holder string
		bend   func(*ticket.Order)
	}{
		{"E29:challenge", "reader-1", func(o *ticket.Order) { o.RC = slices.Clone(o.RC); o.RC[0] ^= 1 }},
		{"E29:signature", "ops-1", func(*ticket.Order) {}},
		{"E29:signature", "receipt-1", func(*ticket.Order) {}},
		{"E29:signature", "reader-1", func(o *ticket.Order) { o.Authority = o.Command }},
		{"E29:signature", "reader-1", func(o *ticket.Order) { o.Command = o.Authority }},
		{"E29:reader", "reader-1", func(o *ticket.Order) { o.SN = "PED-0009" }},
		{"E29:counter", "reader-1", func(o *ticket.Order) { o.EraCnt++ }},
		{"E29:scope", "reader-1", func(o *ticket.Order) { o.Scope = o.Scope[1:] }},
	} {
		o := right
		c.bend(&o)
		h.refuses(h.ticket(o, c.holder), c.code)
	}
	h.refuses([]byte(`{"rc":"AAAA"}`), "E29:form")
	h.toolRefuses(h.keep("ticket-of-ops.json", h.ticket(right, "ops-1")), "E29:signature")
	h.nothingErased()
	h.until("still waiting", waitsToDeliver)
	h.startTickets()
	h.unbound()
	h.provesComplete(20)
}

// right is the order of the ticket that the case waits for.
func (h *held) right() ticket.Order {
	h.t.Helper()
	var r receipt.Receipt
	m := h.manifest
	o := ticket.Order{
		SN: m.Reader.SN, RC: m.Reader.RC, EraCnt: uint32(m.Reader.EraCnt), Command: m.Command,
		Authority: payload(h.t, h.out+"/receipts/backup.json", &r),
	}
	for _, slot := range m.Scope {
		o.Scope = append(o.Scope, uint16(slot))
	}
	return o
}

func (h *held) ticket(o ticket.Order, holder string) []byte {
	h.t.Helper()
	f, err := o.Sign(envelope.NewSigner(h.key(holder)))
	if err != nil {
		h.t.Fatal(err)
	}
	text, err := envelope.Canonical(f)
	if err != nil {
		h.t.Fatal(err)
	}
	return text
}

// What belongs to a case is refused where none runs: after it was cancelled, and
// on a terminal that never had one.
func TestWhatBelongsToNoCaseChangesNothing(t *testing.T) {
	t.Parallel()
	h := holds(t, "after")
	m := h.manifest
	good, err := os.ReadFile(h.out + "/receipts/backup.json")
	if err != nil {
		t.Fatal(err)
	}
	amend := command.Amend{Allow: []envelope.ID{command.AllowSealed}, Case: m.Case, Command: m.Command, N: 1, Terminal: m.Terminal, V: 1}
	late := [][]byte{
		good, h.ticket(h.right(), "reader-1"), h.sealed("amend", amend, "ops-1", "sec-1", "rel-1"),
		h.sealed("papers", command.Papers{Case: m.Case, Papers: []command.Paper{}, V: 1}, "ops-1"),
		h.sealed("close", command.Close{Case: m.Case, Certificate: m.Command, Terminal: m.Terminal, V: 1}, "ops-1", "sec-1", "rel-1"),
	}
	cancel := h.sealed("cancel", command.Cancel{Case: m.Case, Command: m.Command, Terminal: m.Terminal, V: 1}, "ops-1")
	h.accepts(cancel)
	ended := h.until("cancelled", cancelled)
	for _, text := range late {
		h.refuses(text, "E28:case")
	}
	h.untouched(ended)

	w := newWorld(t, options{sales: 20})
	w.startDaemon()
	w.traded(20)
	before := w.until("trading", func(s local.Status) bool { return s.Mode == local.Trading })
	for _, text := range append(late, cancel) {
		w.refuses(text, "E28:case")
	}
	w.untouched(before)
}

func cancelled(s local.Status) bool {
	return s.Mode == local.Trading && s.Case != nil && s.Case.Outcome == "cancelled"
}
