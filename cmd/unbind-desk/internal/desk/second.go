package desk

import (
	"fmt"

	"unbindd/agent/certificate"
	"unbindd/agent/envelope"
	"unbindd/agent/receipt"
	"unbindd/cmd/unbind-desk/internal/grounds"
	"unbindd/cmd/unbind-desk/internal/store"
)

// The kinds that a second person's words are kept under.
const (
	kindCustody    = grounds.KindCustody
	kindValidation = "validation"
)

// publishCustody takes a custodian's receipt for a backup. It may come at any time:
// what it is about does not change any more.
func (d *Desk) publishCustody(tx *store.Tx, e *envelope.Envelope, _ int64) (Published, error) {
	var said receipt.Receipt
	if err := envelope.Decode(e.Payload, &said); err != nil {
		return Published{}, err
	}
	done := Published{Case: said.Case}
	s, err := d.standing(tx, said.Case, Caller{Signer: true})
	if err != nil {
		return done, err
	}
	sent, err := d.object(tx, store.Key{Case: s.ID, Kind: "manifest", N: said.N})
	if err != nil {
		return done, err
	}
	m, err := s.on.Manifest(sent)
	if err != nil {
		return done, err
	}
	first, err := d.object(tx, store.Key{Case: s.ID, Kind: receiptOf(grounds.KindBackup), N: said.N})
	if err != nil {
		return done, err
	}
	_, by, err := s.on.Custody(e, m, sent.Digest(), first)
	if err != nil {
		return done, err
	}
	k := store.Key{Case: s.ID, Kind: kindCustody, N: said.N}
	return done, d.once(tx, k, e, func() error { return nil }, func() error {
		return d.noted(tx, s.Case, s.State, fmt.Sprintf("backup counted again by %s", by.Holder))
	})
}

// publishValidation takes a second person's word on a certificate.
func (d *Desk) publishValidation(tx *store.Tx, e *envelope.Envelope, _ int64) (Published, error) {
	var said certificate.Validation
	if err := envelope.Decode(e.Payload, &said); err != nil {
		return Published{}, err
	}
	done := Published{Case: said.Predicate.Case}
	s, err := d.standing(tx, said.Predicate.Case, Caller{Signer: true})
	if err != nil {
		return done, err
	}
	cert, err := d.object(tx, store.Key{Case: s.ID, Kind: "certificate", N: said.Predicate.N})
	if err != nil {
		return done, err
	}
	st, err := certificate.Open(cert, s.on.Binding.Device)
	if err != nil {
		return done, err
	}
	orders, err := signedOrders(tx, s.ID)
	if err != nil {
		return done, err
	}
	v, by, err := s.on.Validation(e, cert, st, orders)
	if err != nil {
		return done, err
	}
	k := store.Key{Case: s.ID, Kind: kindValidation, N: v.Predicate.N}
	return done, d.once(tx, k, e, func() error { return nil }, func() error {
		return d.noted(tx, s.Case, s.State, fmt.Sprintf("certificate %d %s by %s as %s", v.Predicate.N, verdict(v.Predicate.Accepts), by.Holder, by.Role))
	})
}

func verdict(accepts envelope.ID) string {
	if accepts == certificate.Rejected {
		return "rejected"
	}
	return "validated as " + string(accepts)
}

// signedOrders are what people signed in a case beside its command.
func signedOrders(tx *store.Tx, id envelope.ID) (orders []*envelope.Envelope, err error) {
	for _, kind := range []string{"papers", "amend", "cancel", "close"} {
		err := tx.Objects(id, kind, func(o store.Object) error {
			e, err := envelope.Parse(o.Body, envelope.MaxSize)
			orders = append(orders, e)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return orders, nil
}
