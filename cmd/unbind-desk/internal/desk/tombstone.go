package desk

import (
	"crypto/subtle"
	"errors"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/receipt"
	"unbindd/cmd/unbind-desk/internal/grounds"
	"unbindd/cmd/unbind-desk/internal/store"
)

// reveal is the preimage that a terminal sends when no key is left to sign with.
type reveal struct {
	R []byte `json:"r"`
	V int    `json:"v"`
}

const preimageSize = 32

// Tombstone takes the preimage that the case's newest certificate committed to.
// Whoever knows it passed the step that destroys the identity; it says no more,
// and so it needs no certificate. A repeat is as good as the first. It returns the
// receipt for it, which was stored in the same transaction, and the tombstone's leaf.
func (d *Desk) Tombstone(id envelope.ID, body []byte) (signed []byte, leaf int64, err error) {
	k := store.Key{Case: id, Kind: grounds.KindTombstone, N: 1}
	if err := d.entomb(k, body); err != nil {
		return nil, 0, err
	}
	return d.signedFor(k)
}

func (d *Desk) entomb(k store.Key, body []byte) error {
	var r reveal
	if err := envelope.Decode(body, &r); err != nil {
		return as(ErrMalformed, err)
	}
	if r.V != 1 || len(r.R) != preimageSize {
		return refuse(ErrMalformed, "E07", "tombstone", "cannot take the tombstone: its version or preimage is not supported")
	}
	known := false
	if err := d.look(func(tx *store.Tx) (err error) { _, known, err = revealed(tx, k, r.R); return err }); err != nil || known {
		return err
	}
	return d.grow("tombstone", func(tx *store.Tx) error {
		c, known, err := revealed(tx, k, r.R)
		if err != nil || known {
			return err
		}
		kept, err := d.keep(tx, k, envelope.DigestOf(body), body)
		if err != nil {
			return err
		}
		_, err = d.receipted(tx, buriedAs(k, kept, c, r.R))
		return errors.Join(err, d.noted(tx, c, Gone, "tombstone revealed"), d.forget(tx, c))
	})
}

func buriedAs(k store.Key, o store.Object, c store.Case, preimage []byte) receipt.Receipt {
	r := receipt.ForTombstone(k.Case, c.Terminal, c.Command, certificate.Commitment(preimage)).Receipt()
	r.Index = o.Leaf
	return r
}

// revealed judges a preimage, and says whether the case has it already. It is asked
// before the change as well as in it: anybody may send one, and what is refused must
// not take a turn at writing.
func revealed(tx *store.Tx, k store.Key, preimage []byte) (c store.Case, known bool, err error) {
	if c, err = tx.Case(k.Case); err != nil {
		return c, false, unrevealed(err)
	}
	o, err := tx.Newest(k.Case, "certificate")
	if err != nil {
		return c, false, unrevealed(err)
	}
	st, err := parse[certificate.Statement](o.Body)
	if err != nil {
		return c, false, err
	}
	want, got := st.Predicate.Tombstone, certificate.Commitment(preimage)
	if subtle.ConstantTimeCompare([]byte(want), []byte(got)) != 1 {
		return c, false, unrevealed(store.ErrAbsent)
	}
	_, err = tx.Object(k)
	if errors.Is(err, store.ErrAbsent) {
		return c, false, nil
	}
	return c, err == nil, err
}

// forget ends what the desk kept for a terminal that is gone: the reader's
// pairing key, which stood in the answer to its enrolment, and the salt of its
// elements. A serial number that was retired is remembered.
func (d *Desk) forget(tx *store.Tx, c store.Case) error {
	b, err := tx.Binding(c.Binding)
	if err != nil {
		return err
	}
	e, err := tx.Enrolment(b.Nonce)
	if err != nil {
		return err
	}
	if err := tx.PutSecrets(b.Nonce, store.Secrets{}); err != nil {
		return err
	}
	order, err := parse[command.Command](c.Draft)
	if err != nil || order.Action != command.Retire {
		return err
	}
	return tx.PutRetired(e.Serial, c.ID)
}

// forgetGone does once for a case that an older desk has seen to its end what
// newer ones get with their tombstone.
func (d *Desk) forgetGone(tx *store.Tx, c store.Case) error {
	if c.State != Gone {
		return nil
	}
	return d.forget(tx, c)
}

// unrevealed says the same whatever is missing: who has no certificate learns
// nothing about cases here.
func unrevealed(err error) error {
	if !errors.Is(err, store.ErrAbsent) {
		return err
	}
	return refuse(ErrForeign, "E28", "tombstone", "cannot take the tombstone: it is not the one a certificate of the case committed to")
}
