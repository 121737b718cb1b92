package desk

import (
	"errors"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/store"
)

// Follow is what an operator asks a follow-up order for: Kind is cancel, amend
// or close; Allow and Exception belong to amend.
type Follow struct {
	Kind      string            `json:"kind"`
	Case      string            `json:"case"`
	Allow     []envelope.ID     `json:"allow,omitempty"`
	Exception []command.OpenSum `json:"exception,omitempty"`
	Lost      int64             `json:"lost,omitempty"`
}

// Follow returns an unsigned follow-up order for a published case. Nothing is
// written down: it exists only once it is signed and published.
func (d *Desk) Follow(f Follow) (Draft, error) {
	id, err := Name("case", f.Case)
	if err != nil {
		return Draft{}, err
	}
	var draft Draft
	err = d.look(func(tx *store.Tx) error {
		c, err := tx.Case(id)
		if err != nil {
			return absent(err, "case", "the case")
		}
		if !open(c.State) && c.State != Acknowledged {
			return refuse(ErrConflict, "E28", "state", "cannot change case %s: it is %s", id, c.State)
		}
		order, err := d.follow(tx, c, f)
		if err != nil {
			return err
		}
		e, err := envelope.Seal(envelope.Type(f.Kind), order)
		if err != nil {
			return refuse(ErrMalformed, "E06", "wrong-class", "cannot issue the order: %w", err)
		}
		draft = Draft{Case: id, Order: e.Encode(), Version: c.Version}
		draft.Validated, err = d.validated(tx, c)
		return err
	})
	return draft, err
}

func (d *Desk) follow(tx *store.Tx, c store.Case, f Follow) (any, error) {
	switch f.Kind {
	case "cancel":
		return command.Cancel{Case: c.ID, Command: c.Command, Terminal: c.Terminal, V: 1}, nil
	case "amend":
		n, err := newest(tx, c.ID, "amend")
		if err == nil && len(f.Allow) == 0 {
			err = refuse(ErrMalformed, "E07", "allow", "cannot issue the amendment: it allows nothing")
		}
		return command.Amend{
			Allow: f.Allow, Case: c.ID, Command: c.Command, Exception: f.Exception, Lost: f.Lost,
			N: n + 1, Terminal: c.Terminal, V: 1,
		}, err
	case "close":
		o, err := tx.Newest(c.ID, "certificate")
		if err != nil {
			return nil, absent(err, "certificate", "a certificate to close the case with")
		}
		return command.Close{Case: c.ID, Certificate: o.Digest, Terminal: c.Terminal, V: 1}, nil
	}
	return nil, refuse(ErrMalformed, "E03", "", "cannot issue %q: want cancel, amend or close", f.Kind)
}

// newest is the highest number of a kind in a case, 0 if there is none.
func newest(tx *store.Tx, id envelope.ID, kind string) (int64, error) {
	o, err := tx.Newest(id, kind)
	if errors.Is(err, store.ErrAbsent) {
		return 0, nil
	}
	return o.N, err
}
