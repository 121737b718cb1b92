package agent

import (
	"bytes"
	"encoding/json"
	"errors"

	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/local"
	"unbindd/agent/receipt"
	"unbindd/agent/ticket"
	"unbindd/agent/trust"
)

// bundle is what files and links carry: trust steps first, with the profiles that
// the last one names, then orders.
type bundle struct {
	Orders   []json.RawMessage `json:"orders"`
	Profiles []json.RawMessage `json:"profiles"`
	Trust    []json.RawMessage `json:"trust"`
}

// errNotBound refuses everything on a terminal that is bound to nobody.
var errNotBound = envelope.Refuse("E28", "not-bound", "cannot take it: this terminal is not bound")

// take takes whatever is handed in, by a person or a link: a bundle, an
// envelope, a receipt, a ticket. Every object ends in the same verifier, and
// what becomes of each is told.
func (a *Agent) take(text []byte) []local.Object { return a.takeFrom(text, false) }

// pulled takes what the desk sent over a link.
func (a *Agent) pulled(text []byte) []local.Object { return a.takeFrom(text, true) }

func (a *Agent) takeFrom(text []byte, linked bool) []local.Object {
	a.taking.Lock()
	defer a.taking.Unlock()
	if m := a.mode(); a.identity() == nil || m == local.Unenrolled || m == local.Unbound {
		return []local.Object{a.takeLast(text)}
	}
	if len(text) > trust.MaxFile {
		return []local.Object{refusedObject("file", "", envelope.Refuse("E01", "bytes", "cannot read the file: it has more than the %d bytes that are allowed", trust.MaxFile))}
	}
	text = bytes.TrimSpace(text)
	var names map[string]json.RawMessage
	if err := json.Unmarshal(text, &names); err != nil {
		_, perr := envelope.Parse(text, envelope.MaxSize)
		return []local.Object{refusedObject("file", "", perr)}
	}
	switch {
	case names["orders"] != nil || names["trust"] != nil || names["profiles"] != nil:
		return a.takeBundle(text, linked)
	case names["rc"] != nil:
		return []local.Object{a.takeTicket(text)}
	}
	return []local.Object{a.takeEnvelope(text)}
}

// refuseOrder refuses an order for what it came with.
func (a *Agent) refuseOrder(text []byte, why error) local.Object {
	e, err := envelope.Parse(text, envelope.MaxSize)
	if err != nil {
		o, _ := a.turnDown("order", "", "", err)
		return o
	}
	return a.refuse("order", e, a.unnamed(), why)
}

// takeEnvelope hands one envelope to whoever takes its kind.
func (a *Agent) takeEnvelope(text []byte) local.Object {
	e, err := envelope.Parse(text, envelope.MaxSize)
	if err != nil {
		o, _ := a.turnDown("envelope", "", "", err)
		return o
	}
	switch e.PayloadType {
	case envelope.Type("command"):
		return a.takeCommand(text, e)
	case envelope.Type("cancel"), envelope.Type("amend"), envelope.Type("close"):
		return a.takeFollowUp(e)
	case envelope.Type(trust.Kind):
		return a.takeStep(e)
	case envelope.Type("receipt"):
		return a.takeReceipt(e)
	case envelope.Type("papers"):
		return a.takePapers(e)
	}
	o, _ := a.turnDown("envelope", e.Digest(), "", envelope.Refuse("E03", "", "cannot take the envelope: its type is not one that a terminal takes"))
	return o
}

// takeReceipt checks a receipt that was carried in against what the case waits
// for; the step finds it when it is woken.
func (a *Agent) takeReceipt(e *envelope.Envelope) local.Object {
	var r receipt.Receipt
	if err := envelope.Decode(e.Payload, &r); err != nil {
		return refusedObject("receipt", e.Digest(), envelope.Refuse("E24", "form", "cannot accept the receipt: %w", err))
	}
	name, want := noteReceipt, a.wantBackup
	switch r.Kind {
	case receipt.Backup:
	case receipt.Certificate:
		name, want = noteDeskHas, a.wantCertificate
	default:
		return refusedObject("receipt", e.Digest(), envelope.Refuse("E24", "kind", "cannot accept the receipt: a terminal takes none for %q by hand", r.Kind))
	}
	err := a.caseRuns()
	if run, _, rerr := a.current(); err == nil && name == noteReceipt && run.Crossed {
		err = errors.Join(rerr, envelope.Refuse("E23", "", "cannot take the receipt: the point of no return was crossed on what stood then"))
	}
	if err == nil {
		err = a.keepReceipt(e.Encode(), name, want, byHand)
	}
	if err != nil {
		return refusedObject("receipt", e.Digest(), err)
	}
	a.bell.ring()
	return local.Object{Kind: "receipt", Digest: string(e.Digest()), Outcome: "accepted", Case: string(r.Case)}
}

// caseRuns refuses what belongs to a running case where none runs.
func (a *Agent) caseRuns() error {
	run, begun, err := a.current()
	if err != nil {
		return envelope.Refuse("E18", "", "cannot read the journal: %w", err)
	}
	if !begun || run.Outcome != journal.Running {
		return envelope.Refuse("E28", "case", "cannot take it: no case runs here")
	}
	return nil
}

// takeTicket checks a ticket that was carried in.
func (a *Agent) takeTicket(text []byte) local.Object {
	f, err := ticket.Read(text)
	if err == nil {
		err = a.caseRuns()
	}
	if err == nil {
		_, err = a.checkTicket(f)
	}
	if err == nil {
		err = a.journal.Save(noteTicket, f)
	}
	if err != nil {
		return refusedObject("ticket", envelope.DigestOf(text), err)
	}
	a.bell.ring()
	return local.Object{Kind: "ticket", Digest: string(envelope.DigestOf(text)), Outcome: "accepted"}
}

// takePapers keeps the list of documents that the running command names.
func (a *Agent) takePapers(e *envelope.Envelope) local.Object {
	if err := a.caseRuns(); err != nil {
		return refusedObject("papers", e.Digest(), err)
	}
	c, err := a.openCase()
	if err == nil && c.command.Papers != e.Digest() {
		err = envelope.Refuse("E28", "papers", "cannot take the papers: the running command names others")
	}
	id := a.identity() // once: it may go while they are read
	if err == nil && id == nil {
		err = errNotBound
	}
	if err == nil {
		_, err = id.trust.Verify(e, "papers")
	}
	if err == nil {
		err = a.journal.Save(notePapers, json.RawMessage(e.Encode()))
	}
	if err != nil {
		return refusedObject("papers", e.Digest(), err)
	}
	a.bell.ring()
	return local.Object{Kind: "papers", Digest: string(e.Digest()), Outcome: "accepted", Case: string(c.command.Case)}
}
