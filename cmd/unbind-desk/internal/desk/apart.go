package desk

import (
	"slices"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/store"
)

// apart refuses what is signed by somebody who has validated the case: his validation
// would not be a second person's any more, and the case would not verify. Whoever
// comes first in the store is the one who counts.
func (d *Desk) apart(tx *store.Tx, s standing, e *envelope.Envelope, what string) error {
	validated, err := validators(tx, s)
	if err != nil {
		return err
	}
	for _, holder := range s.on.Holders(e) {
		if slices.Contains(validated, holder) {
			return envelope.Refuse("E05", "same-holder", "cannot accept the %s: %s has validated the case's certificate, and signs nothing more in it; another person signs", what, holder)
		}
	}
	return nil
}

// validators are the people who have validated a certificate of the case.
func validators(tx *store.Tx, s standing) (all []envelope.ID, err error) {
	err = tx.Objects(s.ID, kindValidation, func(o store.Object) error {
		e, err := envelope.Parse(o.Body, envelope.MaxSize)
		if err != nil {
			return err
		}
		all = append(all, s.on.Holders(e)...)
		return nil
	})
	return all, err
}

// validated is validators for who drafts an order. A case that does not stand any more is
// drafted for all the same, for a courier carries an order past the desk.
func (d *Desk) validated(tx *store.Tx, c store.Case) ([]envelope.ID, error) {
	s, err := d.standingOf(tx, c)
	if envelope.CodeOf(err) != "" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return validators(tx, s)
}
