package desk

import (
	"crypto/x509"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/store"
)

// Parts is what a desk is made of. Everything that is not a rule comes in here.
type Parts struct {
	Store    *store.Store
	CA       *authority.CA
	Receipts envelope.Signer    // role receipt: receipts and time
	Enrols   envelope.Signer    // role enrol: enrolment tickets and bindings
	Openers  []authority.Secret // age identities that open backups
	Anchor   envelope.Digest    // of trust bundle version 1
	URL      envelope.ID        // how terminals reach this desk
	SPKI     envelope.Digest    // of the key the desk shows
	Signer   *x509.Certificate  // the ticket signer's client certificate

	Now    func() time.Time
	Random io.Reader
	// Rung hears whose orders changed, beside those who wait here; nil where
	// nobody listens. It must not block.
	Rung func(terminal envelope.ID)
	// Pause is called around every commit with what is committed and "before"
	// or "after", and with "backup" and "kept" between a file and its receipt;
	// tests block in it to cut the power there. May be nil.
	Pause func(what, when string)
}

// Desk applies the rules to a store.
type Desk struct {
	Parts
	believed atomic.Pointer[belief]
	bell     bell
	pieces   pieces
}

// belief is every bundle and the trust they come to.
type belief struct {
	bundles []*envelope.Envelope
	trust   *trust.Trust
}

// New makes a desk and verifies its trust from the anchor on.
func New(p Parts) (*Desk, error) {
	d := &Desk{Parts: p, bell: newBell()}
	if err := d.Store.Look(d.believe); err != nil {
		return nil, fmt.Errorf("cannot open the desk: %w", err)
	}
	for role, signer := range map[trust.Role]envelope.Signer{trust.ReceiptKey: p.Receipts, trust.Enrol: p.Enrols} {
		if key, ok := d.trust().Keys[signer.Public().ID()]; !ok || key.Role != role {
			return nil, fmt.Errorf("cannot open the desk: its key for role %s is not in the trust bundle", role)
		}
	}
	return d, nil
}

// believe reads every bundle and verifies the chain.
func (d *Desk) believe(tx *store.Tx) error {
	bodies, err := tx.Bundles()
	if err != nil {
		return err
	}
	b := &belief{}
	for _, body := range bodies {
		e, err := envelope.Parse(body, envelope.MaxSize)
		if err != nil {
			return err
		}
		b.bundles = append(b.bundles, e)
	}
	if b.trust, err = trust.Chain(d.Anchor, b.bundles); err != nil {
		return err
	}
	d.believed.Store(b)
	return nil
}

func (d *Desk) trust() *trust.Trust { return d.believed.Load().trust }

func (d *Desk) bundles() []*envelope.Envelope { return d.believed.Load().bundles }

// commit makes one change durable, with the kill points around it.
func (d *Desk) commit(what string, f func(*store.Tx) error) error {
	d.pause(what, "before")
	if err := d.Store.Change(f); err != nil {
		return err
	}
	d.pause(what, "after")
	return nil
}

func (d *Desk) pause(what, when string) {
	if d.Pause != nil {
		d.Pause(what, when)
	}
}

func (d *Desk) now() int64 { return d.Now().Unix() }

// random returns n random bytes.
func (d *Desk) random(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(d.Random, b); err != nil {
		return nil, fmt.Errorf("cannot draw random bytes: %w", err)
	}
	return b, nil
}
