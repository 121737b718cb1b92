package desk

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/merkle"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/blob"
	"unbindd/cmd/unbind-desk/internal/store"
)

// Parts is what a desk is made of. Everything that is not a rule comes in here.
type Parts struct {
	Store    *store.Store
	Blobs    blob.Keeper
	CA       *authority.CA
	Receipts envelope.Signer    // role receipt: receipts and time
	Enrols   envelope.Signer    // role enrol: enrolment tickets and bindings
	Openers  []authority.Secret // age identities that open backups
	Anchor   envelope.Digest    // of trust bundle version 1
	URL      envelope.ID        // how terminals reach this desk
	SPKI     envelope.Digest    // of the key the desk shows
	Signer   *x509.Certificate  // the ticket signer's client certificate
	Caps     Caps
	Partners []string // who is told when a case moves on

	Now    func() time.Time
	Random io.Reader
	// Rung hears whose orders changed, beside those who wait here; nil where
	// nobody listens. It must not block.
	Rung func(terminal envelope.ID)
	// Pause is called around every commit with what is committed and "before"
	// or "after"; tests block in it to cut the power there. May be nil.
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
	d.believed.Store(&belief{})
	if err := d.look(func(*store.Tx) error { return nil }); err != nil {
		return nil, fmt.Errorf("cannot open the desk: %w", err)
	}
	if d.trust() == nil {
		return nil, errors.New("cannot open the desk: there is no trust bundle")
	}
	if err := d.change(findSuccessors); err != nil {
		return nil, fmt.Errorf("cannot open the desk: %w", err)
	}
	for role, signer := range map[trust.Role]envelope.Signer{trust.ReceiptKey: p.Receipts, trust.Enrol: p.Enrols} {
		if key, ok := d.trust().Keys[signer.Public().ID()]; !ok || key.Role != role {
			return nil, fmt.Errorf("cannot open the desk: its key for role %s is not in the trust bundle", role)
		}
	}
	if log := d.trust().Log; log.Key != p.Receipts.Public().ID() || !merkle.CanName(string(log.Origin)) {
		return nil, errors.New("cannot open the desk: its receipt key is not the log's in the trust bundle, or the log's origin cannot stand in a checkpoint")
	}
	return d, nil
}

// findSuccessors notes once, for the cases of an older desk, who takes over in
// which; newer cases are noted when they are drafted.
func findSuccessors(tx *store.Tx) error {
	if n, err := tx.Counted("successors-noted"); n > 0 || err != nil {
		return err
	}
	err := tx.Cases(func(c store.Case) error {
		order, err := parse[command.Command](c.Draft)
		if err != nil || order.Successor == nil {
			return err
		}
		return tx.PutSuccessor(order.Successor.Device, c.ID)
	})
	_, err2 := tx.Count("successors-noted")
	return errors.Join(err, err2)
}

// believe takes over the bundles that came since the last time, which another
// desk on the same store may have published, and verifies the chain.
func (d *Desk) believe(tx *store.Tx) error {
	had := d.bundles()
	bodies, err := tx.Bundles(int64(len(had)))
	if err != nil || len(bodies) == 0 {
		return err
	}
	b := &belief{bundles: slices.Clone(had)}
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

// change and look begin with the trust in force, so that no desk judges by a
// bundle that another has replaced.
func (d *Desk) change(f func(*store.Tx) error) error {
	return d.Store.Change(func(tx *store.Tx) error {
		if err := d.believe(tx); err != nil {
			return err
		}
		return f(tx)
	})
}

func (d *Desk) look(f func(*store.Tx) error) error {
	return d.Store.Look(func(tx *store.Tx) error {
		if err := d.believe(tx); err != nil {
			return err
		}
		return f(tx)
	})
}

// commit makes one change durable, with the kill points around it.
func (d *Desk) commit(what string, f func(*store.Tx) error) error {
	d.pause(what, "before")
	if err := d.change(f); err != nil {
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
