package desk

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/blob"
	"unbindd/cmd/unbind-desk/internal/crew"
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
	Partners []string           // who is told when a case moves on
	Bounds   Bounds             // all 0: DefaultBounds
	// Left says how many bytes of the disk are free; nil where that bounds nothing.
	Left func() (int64, error)

	Now    func() time.Time
	Random io.Reader
	// Rung hears whose orders changed, beside those who wait here; nil where
	// nobody listens. It must not block.
	Rung func(terminal envelope.ID)
	// Pause is called around every commit with what is committed and "before"
	// or "after", and with "backup" and "kept" between a file and its receipt;
	// tests block in it to cut the power there. May be nil.
	Pause func(what, when string)
	// Trouble hears what went wrong beside a request that was answered all the same, and
	// with no error what works again; nil where nobody listens.
	Trouble func(what string, err error)
}

// Desk applies the rules to a store.
type Desk struct {
	Parts
	believed atomic.Pointer[belief]
	memo     memo
	signed   atomic.Pointer[signed]
	signing  sync.Mutex
	crew     crew.Crew // signs receipts
	bell     bell
	pieces   pieces
	underway underway
	unswept  atomic.Value // string: why the queue of tickets was not cleaned last, "" where it was
	passed   sync.Map     // rows that were passed over, each told once
}

// belief is every bundle and the trust that each of them comes to.
type belief struct {
	bundles  []*envelope.Envelope
	versions []*trust.Trust
	trust    *trust.Trust         // the newest
	alone    atomic.Pointer[lone] // as it is offered without orders
	named    sync.Map             // stored profiles by the hash of their bytes; see names
}

// lone is an offer without orders, and how many times profiles had been published when
// it was made.
type lone struct {
	published int64
	body      []byte
}

// New makes a desk and verifies its trust from the anchor on.
func New(p Parts) (*Desk, error) {
	if p.Bounds == (Bounds{}) {
		p.Bounds = DefaultBounds()
	}
	d := &Desk{Parts: p, bell: newBell()}
	d.believed.Store(&belief{})
	if err := d.look(func(*store.Tx) error { return nil }); err != nil {
		return nil, fmt.Errorf("cannot open the desk: %w", err)
	}
	if d.trust() == nil {
		return nil, errors.New("cannot open the desk: there is no trust bundle")
	}
	if err := d.takeOver(); err != nil {
		return nil, fmt.Errorf("cannot open the desk: %w", err)
	}
	if err := d.livesUnder(d.trust()); err != nil {
		return nil, fmt.Errorf("cannot open the desk: %w", err)
	}
	return d, nil
}

// takeOver does what newer cases get with their steps for those of an older desk.
func (d *Desk) takeOver() error {
	return errors.Join(
		d.Store.SweepCases("successors-noted", findSuccessor, d.passedOver),
		d.Store.SweepCases("gone-forgotten", d.forgetGone, d.passedOver),
		d.queueOlder("tickets-queued"),
	)
}

// passedOver tells of a row that a takeover left as it is.
func (d *Desk) passedOver(what, row string, why error) {
	d.trouble("passed over by the takeover "+what+": "+row, why)
}

// findSuccessor notes once, for a case of an older desk, who takes over in it; this one
// drafts none with a successor.
func findSuccessor(tx *store.Tx, c store.Case) error {
	order, err := parse[command.Command](c.Draft)
	if err != nil || order.Successor == nil {
		return err
	}
	return tx.PutSuccessor(order.Successor.Device, c.ID)
}

// believe takes over the bundles that came since the last time, which another
// desk on the same store may have published, and verifies the chain. It is only
// for a look: what a change sees may be the write of one that shares its commit,
// and be taken back.
func (d *Desk) believe(tx *store.Tx) error {
	had := d.believed.Load()
	bodies, err := tx.Bundles(int64(len(had.bundles)))
	if err != nil || len(bodies) == 0 {
		return err
	}
	b := &belief{bundles: slices.Clone(had.bundles), versions: slices.Clone(had.versions)}
	for _, body := range bodies {
		e, err := envelope.Parse(body, envelope.MaxSize)
		if err != nil {
			return err
		}
		b.bundles = append(b.bundles, e)
	}
	if err := b.follow(d.Anchor); err != nil {
		return err
	}
	for len(b.bundles) > len(had.bundles) && !d.believed.CompareAndSwap(had, b) {
		had = d.believed.Load() // another look was quicker
	}
	return nil
}

// follow verifies the bundles that came on top of the versions believed before.
func (b *belief) follow(anchor envelope.Digest) (err error) {
	if len(b.versions) == 0 {
		b.versions, err = trust.Versions(anchor, b.bundles)
	}
	for n := len(b.versions); err == nil && n < len(b.bundles); n++ {
		var next *trust.Trust
		next, err = b.versions[n-1].Next(b.bundles[n])
		b.versions = append(b.versions, next)
	}
	if err == nil {
		b.trust = b.versions[len(b.versions)-1]
	}
	return err
}

func (d *Desk) trust() *trust.Trust { return d.believed.Load().trust }

func (d *Desk) bundles() []*envelope.Envelope { return d.believed.Load().bundles }

func (d *Desk) versions() []*trust.Trust { return d.believed.Load().versions }

// errBehind says that a change sees a bundle that is not believed yet.
var errBehind = errors.New("cannot change the store: a newer trust bundle came between")

// behinds is how often a change looks for newer trust before it is given up: each
// time at least one bundle was published.
const behinds = 100

// change and look begin with the trust in force, so that no desk judges by a
// bundle that another has replaced. A change that sees more bundles than are
// believed waits until they are durable, and runs again.
func (d *Desk) change(f func(*store.Tx) error) error {
	err := errBehind
	for n := 0; errors.Is(err, errBehind) && n < behinds; n++ {
		err = d.Store.Change(func(tx *store.Tx) error {
			switch newer, err := tx.Bundles(int64(len(d.bundles()))); {
			case err != nil:
				return err
			case len(newer) > 0:
				return errBehind
			}
			return f(tx)
		})
		if errors.Is(err, errBehind) {
			if err := d.look(func(*store.Tx) error { return nil }); err != nil {
				return err
			}
		}
	}
	return err
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

func (d *Desk) trouble(what string, err error) {
	if d.Trouble != nil {
		d.Trouble(what, err)
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
