package desk

import (
	"bytes"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/store"
)

// publishPapers takes the signed list of documents that a drafted command names.
func (d *Desk) publishPapers(tx *store.Tx, e *envelope.Envelope, seen int64) (Published, error) {
	if _, err := d.trust().Verify(e, "papers"); err != nil {
		return Published{}, err
	}
	var p command.Papers
	if err := envelope.Decode(e.Payload, &p); err != nil {
		return Published{}, err
	}
	c, err := tx.Case(p.Case)
	if err != nil {
		return Published{}, absent(err, "case", "the case the papers name")
	}
	done := Published{Case: c.ID, Terminal: c.Terminal}
	draft, err := envelope.Parse(c.Draft, envelope.MaxSize)
	if err != nil {
		return done, err
	}
	var said command.Command
	if err := envelope.Decode(draft.Payload, &said); err != nil {
		return done, err
	}
	if said.Papers != e.Digest() {
		return done, misfit("papers", "cannot publish the papers: the case's command names others")
	}
	return done, d.once(tx, store.Key{Case: c.ID, Kind: "papers", N: 1}, e, func() error { return unchanged(c, seen) }, func() error {
		return d.noted(tx, c, c.State, "papers published")
	})
}

// once keeps an envelope unless the same bytes are there already, if it may, and
// goes on.
func (d *Desk) once(tx *store.Tx, k store.Key, e *envelope.Envelope, may, then func() error) error {
	if same, err := known(tx, k, e.Encode()); same || err != nil {
		return err
	}
	if err := may(); err != nil {
		return err
	}
	if _, err := d.keep(tx, k, e.Digest(), e.Encode()); err != nil {
		return err
	}
	return then()
}

func (d *Desk) publishCancel(tx *store.Tx, e *envelope.Envelope, seen int64) (Published, error) {
	var said command.Cancel
	return d.publishFollow(tx, e, seen, "cancel", &said, func() envelope.ID { return said.Case },
		func(r command.Running) (int64, error) {
			_, err := command.VerifyCancel(e, r)
			return 0, err
		})
}

func (d *Desk) publishAmend(tx *store.Tx, e *envelope.Envelope, seen int64) (Published, error) {
	var said command.Amend
	return d.publishFollow(tx, e, seen, "amend", &said, func() envelope.ID { return said.Case },
		func(r command.Running) (int64, error) {
			a, err := command.VerifyAmend(e, r)
			return a.N, err
		})
}

func (d *Desk) publishClose(tx *store.Tx, e *envelope.Envelope, seen int64) (Published, error) {
	var said command.Close
	return d.publishFollow(tx, e, seen, "close", &said, func() envelope.ID { return said.Case },
		func(r command.Running) (int64, error) {
			_, err := command.VerifyClose(e, r)
			return 0, err
		})
}

// publishFollow takes an order that follows a published command. verify checks
// it against the running case and returns its own number, or 0 for the next.
func (d *Desk) publishFollow(tx *store.Tx, e *envelope.Envelope, seen int64, kind string, said any,
	names func() envelope.ID, verify func(command.Running) (int64, error)) (Published, error) {
	if err := envelope.Decode(e.Payload, said); err != nil {
		return Published{}, err
	}
	s, err := d.standing(tx, names(), Caller{Signer: true})
	if err != nil {
		return Published{}, err
	}
	done := Published{Case: s.ID, Terminal: s.Terminal}
	if same, err := repeated(tx, s.ID, kind, e); same || err != nil {
		return done, err
	}
	if err := unchanged(s.Case, seen); err != nil {
		return done, err
	}
	if !open(s.State) && (kind != "close" || s.State != Acknowledged) {
		return done, refuse(ErrConflict, "E28", "state", "cannot publish the %s: case %s is %s", kind, s.ID, s.State)
	}
	n, err := d.verifyFollow(tx, s, kind, verify)
	if err != nil {
		return done, err
	}
	if err := d.apart(tx, s, e, kind); err != nil {
		return done, err
	}
	if _, err := d.keep(tx, store.Key{Case: s.ID, Kind: kind, N: n}, e.Digest(), e.Encode()); err != nil {
		return done, err
	}
	to := s.State
	if kind == "close" {
		to = Closed
	}
	return done, d.noted(tx, s.Case, to, kind+" published")
}

func (d *Desk) verifyFollow(tx *store.Tx, s standing, kind string, verify func(command.Running) (int64, error)) (int64, error) {
	last, err := newest(tx, s.ID, kind)
	if err != nil {
		return 0, err
	}
	r := s.on.Running()
	if r.Amended, err = newest(tx, s.ID, "amend"); err != nil {
		return 0, err
	}
	if o, err := tx.Newest(s.ID, "certificate"); err == nil {
		r.Certificate = o.Digest
	}
	n, err := verify(r)
	if n == 0 {
		n = last + 1
	}
	return n, err
}

// repeated says whether the very same order was published before.
func repeated(tx *store.Tx, id envelope.ID, kind string, e *envelope.Envelope) (same bool, err error) {
	body := e.Encode()
	err = tx.Objects(id, kind, func(o store.Object) error {
		same = same || bytes.Equal(o.Body, body)
		return nil
	})
	return same, err
}
