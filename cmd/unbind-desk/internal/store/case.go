package store

import (
	"errors"

	"unbindd/agent/envelope"
)

// Case reads a case.
func (t *Tx) Case(id envelope.ID) (Case, error) { return get[Case](t, inCases, string(id)) }

// CaseState reads a case without its draft, for who asks only how it stands.
func (t *Tx) CaseState(id envelope.ID) (Case, error) {
	o, err := get[outline](t, inCases, string(id))
	o.Draft = nil // where it was read all the same
	return Case(o), err
}

// PutCase writes a case, and where it is found by its state.
func (t *Tx) PutCase(v Case) error {
	before, err := t.CaseState(v.ID)
	if err == nil {
		err = t.rows.Remove(inStates, before.place())
	}
	if err != nil && !errors.Is(err, ErrAbsent) {
		return err
	}
	err = errors.Join(put(t, inCases, string(v.ID), v), put(t, inStates, v.place(), v.ID))
	// Whose it is never changes: a row that is there spares its page being written anew.
	if _, missing := t.rows.Get(inOwners, v.owned()); missing != nil {
		err = errors.Join(err, put(t, inOwners, v.owned(), v.ID))
	}
	return err
}

func (c Case) owned() string { return string(c.Terminal) + "\x00" + string(c.ID) }

func (c Case) place() string { return c.State + "\x00" + number(c.Since) + string(c.ID) }

// Cases calls each for every case, by id.
func (t *Tx) Cases(each func(Case) error) error {
	return all(t, inCases, "", "", func(_ string, c Case) error { return each(c) })
}

// PutSuccessor remembers which case a device key takes over in.
func (t *Tx) PutSuccessor(device envelope.KeyID, id envelope.ID) error {
	return put(t, inSuccessors, string(device)+"\x00"+string(id), id)
}

// Succeeds calls each for every case in which a device key takes over, by id.
func (t *Tx) Succeeds(device envelope.KeyID, each func(envelope.ID) error) error {
	return all(t, inSuccessors, string(device)+"\x00", "", func(_ string, id envelope.ID) error { return each(id) })
}

// AddNumber reserves a command's number of a terminal's enrolment; ErrTaken when
// another case has it.
func (t *Tx) AddNumber(terminal envelope.ID, epoch, seq int64, id envelope.ID) error {
	return add(t, inNumbers, string(terminal)+"\x00"+number(epoch)+number(seq), id)
}

// Note adds a line to the history of what has no versions, and counts the lines.
func (t *Tx) Note(id envelope.ID, e Entry) error {
	n, err := t.counted(id)
	if errors.Is(err, ErrAbsent) {
		// An older desk has lines under numbers that all cases shared.
		err = all(t, inHistory, string(id)+"\x00", "", func(key string, _ Entry) error { n = numberAt(key); return nil })
	}
	n++
	if err := errors.Join(err, put(t, inCounters, lines(id), n)); err != nil {
		return err
	}
	return t.line(id, n, e)
}

// NoteVersion adds the line of a version of a case, one for each: the version is its
// number, and nothing need be counted. A case whose lines an older desk numbered
// otherwise goes on as it did.
func (t *Tx) NoteVersion(c Case, e Entry) error {
	n, err := t.counted(c.ID)
	switch {
	case errors.Is(err, ErrAbsent):
		var later []Row
		if later, err = t.rows.List(inHistory, string(c.ID)+"\x00", string(c.ID)+"\x00"+number(c.Version-1), 1); err == nil && len(later) > 0 {
			return t.Note(c.ID, e)
		}
	case err == nil && n >= c.Version:
		return t.Note(c.ID, e)
	case err == nil: // an older desk counts anew where it finds no count, and not on from a stale one
		err = t.rows.Remove(inCounters, lines(c.ID))
	}
	if err != nil {
		return err
	}
	return t.line(c.ID, c.Version, e)
}

func lines(id envelope.ID) string { return "history-" + string(id) }

func (t *Tx) counted(id envelope.ID) (int64, error) { return get[int64](t, inCounters, lines(id)) }

func (t *Tx) line(id envelope.ID, n int64, e Entry) error {
	return add(t, inHistory, string(id)+"\x00"+number(n), e)
}

// History returns a case's history, oldest first.
func (t *Tx) History(id envelope.ID) (history []Entry, err error) {
	err = all(t, inHistory, string(id)+"\x00", "", func(_ string, e Entry) error { history = append(history, e); return nil })
	return history, err
}
