package desk

import (
	"crypto/subtle"
	"errors"

	"unbindd/agent/certificate"
	"unbindd/agent/envelope"
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
// and so it needs no certificate. A repeat is as good as the first.
func (d *Desk) Tombstone(id envelope.ID, body []byte) error {
	var r reveal
	if err := envelope.Decode(body, &r); err != nil {
		return as(ErrMalformed, err)
	}
	if r.V != 1 || len(r.R) != preimageSize {
		return refuse(ErrMalformed, "E07", "tombstone", "cannot take the tombstone: its version or preimage is not supported")
	}
	k := store.Key{Case: id, Kind: "tombstone", N: 1}
	return d.commit("tombstone", func(tx *store.Tx) error {
		c, err := tx.Case(id)
		if err != nil {
			return unrevealed(err)
		}
		o, err := tx.Newest(id, "certificate")
		if err != nil {
			return unrevealed(err)
		}
		st, err := parse[certificate.Statement](o.Body)
		if err != nil {
			return err
		}
		want, got := st.Predicate.Tombstone, certificate.Commitment(r.R)
		if subtle.ConstantTimeCompare([]byte(want), []byte(got)) != 1 {
			return unrevealed(store.ErrAbsent)
		}
		if _, err := tx.Object(k); err == nil {
			return nil
		}
		_, err = d.keep(tx, k, envelope.DigestOf(body), body)
		return errors.Join(err, d.note(tx, c, Gone, "tombstone revealed"))
	})
}

// unrevealed says the same whatever is missing: who has no certificate learns
// nothing about cases here.
func unrevealed(err error) error {
	if !errors.Is(err, store.ErrAbsent) {
		return err
	}
	return refuse(ErrForeign, "E28", "tombstone", "cannot take the tombstone: it is not the one a certificate of the case committed to")
}
