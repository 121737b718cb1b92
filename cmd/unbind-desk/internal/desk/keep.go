package desk

import (
	"bytes"
	"errors"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/store"
)

// known looks an object up by its name: true when the same bytes are there
// already, a conflict that tells the stored digest when others are.
func known(tx *store.Tx, k store.Key, body []byte) (bool, error) {
	o, err := tx.Object(k)
	switch {
	case errors.Is(err, store.ErrAbsent):
		return false, nil
	case err != nil:
		return false, err
	case !bytes.Equal(o.Body, body):
		return false, other(k, o.Digest)
	}
	return true, nil
}

// had is known before anything is written: what is kept already is answered as before,
// also by a desk whose disk is full.
func (d *Desk) had(k store.Key, body []byte) (same bool, err error) {
	err = d.look(func(tx *store.Tx) error { same, err = known(tx, k, body); return err })
	return same, err
}

func other(k store.Key, stored envelope.Digest) error {
	return refuse(ErrConflict, "E11", "other-bytes", "cannot keep %s %d: other bytes are stored under it, %s", k.Kind, k.N, stored)
}

// keep stores an object as it came, with a leaf of the log.
func (d *Desk) keep(tx *store.Tx, k store.Key, digest envelope.Digest, body []byte) (store.Object, error) {
	return tx.AddObject(k, store.Object{Digest: digest, Body: body, Received: d.now()})
}

// arrival is an envelope of a terminal on its way in: T is what is read of it before
// the store is changed.
type arrival[T any] struct {
	key  store.Key
	who  Caller
	body []byte
	// open reads and verifies the envelope. It is given no transaction, for
	// signatures must not be checked while everybody else waits to write.
	open func(standing, *envelope.Envelope) (T, error)
	// judge compares it with what the store has, and keeps it.
	judge func(*store.Tx, standing, *envelope.Envelope, T) error
}

// came is the envelope that is on its way in, as it is going to be kept.
type came struct {
	digest envelope.Digest
	body   []byte
}

// receive is the common way in of a terminal's envelope: the name is looked up
// first, so that a repeat gets the same answer whatever has happened since, and
// only what is new is judged and kept. What was looked up is looked up again in
// the transaction that keeps it; only what cannot have changed is taken over. It
// says whether the envelope is new: what judge made is the store's only then.
func receive[T any](d *Desk, a arrival[T]) (fresh bool, err error) {
	e, text, err := envelope.ParseEncoded(a.body, envelope.MaxSize)
	if err != nil {
		return false, as(ErrMalformed, err)
	}
	a.body = text // white space around it is no difference
	var before standing
	same := false
	err = d.look(func(tx *store.Tx) error {
		var c store.Case
		if c, same, err = a.known(d, tx, tx.CaseState); same || err != nil {
			return err
		}
		before, err = d.standingOf(tx, c)
		return err
	})
	if same || err != nil {
		return false, err
	}
	sent := came{e.Digest(), a.body} // worked out here, and not while others wait to write
	read, err := a.open(before, e)
	if err != nil {
		return false, judged(err)
	}
	err = d.grow(a.key.Kind, func(tx *store.Tx) error {
		fresh = false // it may run again, and find that another was quicker
		c, same, err := a.known(d, tx, tx.Case)
		if same || err != nil {
			return err
		}
		s, err := d.standingAs(tx, c, before)
		if err != nil {
			return err
		}
		fresh, s.came = true, sent
		if err := judged(a.judge(tx, s, e, read)); err != nil {
			return err
		}
		return d.Bounds.within(a.key) // what does not fit is refused for good, and not put off
	})
	return fresh, err
}

// known says whether the envelope is there already, and refuses one that may not
// come at all. The case is given out as read reads it: its draft is only wanted by
// who writes it again.
func (a *arrival[T]) known(d *Desk, tx *store.Tx, read func(envelope.ID) (store.Case, error)) (store.Case, bool, error) {
	// A case that was never issued here is no matter of waiting: the sender
	// must not try for ever and keep everything else from coming.
	c, err := d.seenBy(read, a.key.Case, a.who)
	switch {
	case errors.Is(err, ErrAbsent):
		return c, false, misfit("case", "cannot keep the %s: no case of that name was issued here", a.key.Kind)
	case err != nil:
		return c, false, err
	}
	if same, err := known(tx, a.key, a.body); same || err != nil {
		return c, same, err
	}
	if c.State == Gone {
		return c, false, buried("keep the " + a.key.Kind)
	}
	return c, false, nil
}

// buried refuses what comes new under an enrolment whose key was reported
// destroyed: whoever holds it is not the terminal that was unbound.
func buried(what string) error {
	return refuse(ErrForeign, "E10", "gone", "cannot %s: the terminal was unbound, and its key reported destroyed", what)
}

// judged gives what the stair refused its kind: a signature that does not hold
// is not allowed, anything else does not fit.
func judged(err error) error {
	if err == nil {
		return nil
	}
	code := envelope.CodeOf(err)
	if len(code) >= 3 && (code[:3] == "E04" || code[:3] == "E05") {
		return as(ErrForeign, err)
	}
	if len(code) >= 3 && code[:3] == "E03" {
		return as(ErrMalformed, err)
	}
	return as(ErrUnfit, err)
}

func misfit(detail, format string, args ...any) error {
	return refuse(ErrUnfit, "E28", detail, format, args...)
}
