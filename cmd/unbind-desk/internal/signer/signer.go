// Package signer decides whether a reader's ticket may be signed. It believes
// nobody, the desk least: from the anchor on it verifies every envelope itself.
//
// It promises that an order for a ticket exists only when the command meets its
// rule, the manifest is the bound terminal's and names that command, and the
// receipt is for exactly that manifest - or the command or an amendment allows
// its absence.
//
//	signer.go   papers in, ticket out
//	floor.go    no trust version older than one seen before
//	process.go  the same for everything a desk has waiting, unattended
package signer

import (
	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/manifest"
	"unbindd/agent/receipt"
	"unbindd/agent/ticket"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/grounds"
)

// Papers are what a ticket is asked for with. Receipt or Amend may be nil; what
// allows the erase is then the command itself.
type Papers struct {
	Anchor   envelope.Digest
	Trust    []*envelope.Envelope
	Command  *envelope.Envelope
	Binding  *envelope.Envelope
	Manifest *envelope.Envelope
	Receipt  *envelope.Envelope
	Amend    *envelope.Envelope
	// ByHand says that a person decided that the sealed file on a courier medium
	// is enough, as the command allows. Nobody who signs unattended sets it.
	ByHand bool
}

// Order verifies everything and returns what the ticket is for. It refuses with
// E29, or with the code of the envelope that does not hold.
func (p Papers) Order() (ticket.Order, error) {
	g, err := grounds.Open(p.Anchor, p.Trust, p.Command, p.Binding)
	if err != nil {
		return ticket.Order{}, err
	}
	m, err := g.Manifest(p.Manifest)
	if err != nil {
		return ticket.Order{}, err
	}
	authority, err := p.authority(g, m)
	if err != nil {
		return ticket.Order{}, err
	}
	return grounds.OrderFor(m, authority)
}

// authority is what allows the erase: the receipt, an amendment, or a command
// that was signed for less.
func (p Papers) authority(g *grounds.Grounds, m manifest.Manifest) (envelope.Digest, error) {
	switch {
	case p.Receipt != nil:
		_, err := receipt.Check(p.Receipt, g.Current, grounds.WantBackup(m, p.Manifest.Digest()))
		return p.Receipt.Digest(), err
	case p.Amend != nil:
		return p.Amend.Digest(), g.AllowSealed(p.Amend)
	}
	c := g.Command.Command()
	if !c.Relaxed() || (!p.ByHand && c.Backup.Gate != command.GateNone) {
		return "", refuse("receipt", "the command waits for a receipt and there is none")
	}
	return g.Command.Digest(), nil
}

// Sign signs the order with a key of role reader; another key is refused before
// it makes a ticket that the reader would not take.
func Sign(o ticket.Order, by envelope.Signer, t *trust.Trust) (ticket.File, error) {
	f, err := o.Sign(by)
	if err != nil {
		return f, err
	}
	_, err = f.Check(o, t)
	return f, err
}

func refuse(detail, why string) error {
	return envelope.Refuse("E29", detail, "cannot sign the ticket: %s", why)
}
