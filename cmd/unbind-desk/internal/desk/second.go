package desk

import (
	"errors"
	"fmt"
	"slices"

	"unbindd/agent/certificate"
	"unbindd/agent/envelope"
	"unbindd/agent/receipt"
	"unbindd/agent/trust"
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
	may := func() error {
		if err := d.present(e, by); err != nil {
			return err
		}
		return d.apart(tx, s, e, "custodian's receipt")
	}
	return done, d.once(tx, k, e, may, func() error {
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
	custody, err := custodyOf(tx, s.ID)
	if err != nil {
		return done, err
	}
	others, err := signedBeside(tx, s.Case)
	if err != nil {
		return done, err
	}
	if custody != nil {
		others = append(others, custody)
	}
	v, by, err := s.on.Validation(e, cert, st, others)
	if err != nil {
		return done, err
	}
	k := store.Key{Case: s.ID, Kind: kindValidation, N: v.Predicate.N}
	may := func() error {
		if named := v.Predicate.Custody; named != "" && (custody == nil || custody.Digest() != named) {
			return misfit("custody", "cannot keep the validation: it rests on a custodian's receipt that is not in the case")
		}
		return d.present(e, by)
	}
	return done, d.once(tx, k, e, may, func() error {
		return d.noted(tx, s.Case, s.State, fmt.Sprintf("certificate %d %s by %s as %s", v.Predicate.N, verdict(v.Predicate.Accepts), by.Holder, by.Role))
	})
}

func verdict(accepts envelope.ID) string {
	if accepts == certificate.Rejected {
		return "rejected"
	}
	return "validated as " + string(accepts)
}

// present refuses what was signed by somebody whom the trust in force does not know
// for that role: what he signed while it knew him stays, and he signs nothing new.
func (d *Desk) present(e *envelope.Envelope, by trust.Approver) error {
	who, err := d.trust().Signed(e)
	if err == nil && !slices.Contains(who, by) {
		err = envelope.Refuse("E04", "", "cannot keep it: trust version %d, which is in force, has no key %s for role %s", d.trust().Version, by.Key, by.Role)
	}
	return err
}

// custodyOf is the custodian's receipt that is exported with a case; nil where there
// is none.
func custodyOf(tx *store.Tx, id envelope.ID) (*envelope.Envelope, error) {
	counts, err := counting(tx, id)
	if err != nil {
		return nil, err
	}
	o, err := tx.Object(store.Key{Case: id, Kind: kindCustody, N: counts[kindCustody]})
	if errors.Is(err, store.ErrAbsent) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return envelope.Parse(o.Body, envelope.MaxSize)
}

// signedBeside is what people signed in a case beside its command: papers, later
// orders, and the campaign that it was published in.
func signedBeside(tx *store.Tx, c store.Case) (others []*envelope.Envelope, err error) {
	add := func(o store.Object) error {
		e, err := envelope.Parse(o.Body, envelope.MaxSize)
		others = append(others, e)
		return err
	}
	for _, kind := range []string{"papers", "amend", "cancel", "close"} {
		if err := tx.Objects(c.ID, kind, add); err != nil {
			return nil, err
		}
	}
	o, err := campaignOf(tx, c)
	if errors.Is(err, store.ErrAbsent) {
		return others, nil
	}
	if err == nil {
		err = add(o)
	}
	return others, err
}
