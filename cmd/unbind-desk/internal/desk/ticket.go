package desk

import (
	"bytes"
	"errors"

	"unbindd/agent/envelope"
	"unbindd/agent/manifest"
	"unbindd/agent/ticket"
	"unbindd/cmd/unbind-desk/internal/grounds"
	"unbindd/cmd/unbind-desk/internal/store"
)

// parse reads the payload of an envelope that was verified when it was stored.
func parse[T any](body []byte) (T, error) {
	var v T
	e, err := envelope.Parse(body, envelope.MaxSize)
	if err == nil {
		err = envelope.Decode(e.Payload, &v)
	}
	return v, err
}

// Ticket keeps the ticket for the n-th manifest. Only the signer may hand it
// in, and it must be a ticket that the reader will take.
func (d *Desk) Ticket(who Caller, id envelope.ID, n int64, body []byte) error {
	if !who.Signer {
		return refuse(ErrForeign, "E09", "signer", "cannot serve the client: only the ticket signer hands in tickets")
	}
	body = bytes.TrimSpace(body)
	f, err := ticket.Read(body)
	if err != nil {
		return as(ErrMalformed, err)
	}
	k := store.Key{Case: id, Kind: "ticket", N: n}
	var s standing
	var same bool
	judge := func(tx *store.Tx) (err error) {
		if s, err = d.standing(tx, id, who); err != nil {
			return err
		}
		same, err = known(tx, k, body)
		return err
	}
	if err := d.look(judge); err != nil || same {
		return err
	}
	return d.grow("ticket", func(tx *store.Tx) error {
		if err := judge(tx); err != nil || same {
			return err
		}
		if err := d.checkTicket(tx, s, n, f); err != nil {
			return judged(err)
		}
		if _, err := d.keep(tx, k, envelope.DigestOf(body), body); err != nil {
			return err
		}
		return errors.Join(tx.RemoveWanted(store.Wanted{Case: id, N: n}), d.noted(tx, s.Case, s.State, "ticket received"))
	})
}

// checkTicket tries what may have allowed the ticket: the receipt, an amendment
// that says so, or a command that was signed for less.
func (d *Desk) checkTicket(tx *store.Tx, s standing, n int64, f ticket.File) error {
	e, err := d.object(tx, store.Key{Case: s.ID, Kind: manifest.Kind, N: n})
	if err != nil {
		return err
	}
	m, err := s.on.Manifest(e)
	if err != nil {
		return err
	}
	permitted, err := d.permissions(tx, s, n)
	if err != nil {
		return err
	}
	err = envelope.Refuse("E29", "receipt", "cannot keep the ticket: nothing allows it yet")
	for _, authority := range permitted {
		order, wrong := grounds.OrderFor(m, authority)
		if wrong == nil {
			_, wrong = f.Check(order, s.on.Current)
		}
		if wrong == nil {
			return nil
		}
		err = wrong
	}
	return err
}

func (d *Desk) permissions(tx *store.Tx, s standing, n int64) (permitted []envelope.Digest, err error) {
	r, err := tx.Object(store.Key{Case: s.ID, Kind: receiptOf(grounds.KindBackup), N: n})
	switch {
	case err == nil:
		permitted = append(permitted, r.Digest)
	case !errors.Is(err, store.ErrAbsent):
		return nil, err
	}
	if order := s.on.Command.Command(); order.Relaxed() {
		permitted = append(permitted, s.Command)
	}
	err = tx.Objects(s.ID, "amend", func(o store.Object) error {
		e, err := envelope.Parse(o.Body, envelope.MaxSize)
		if err != nil {
			return err
		}
		if s.on.AllowSealed(e) == nil {
			permitted = append(permitted, o.Digest)
		}
		return nil
	})
	return permitted, err
}
