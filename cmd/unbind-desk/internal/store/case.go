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

// CasesAfter reads at most limit cases whose id comes after one.
func (t *Tx) CasesAfter(after envelope.ID, limit int) ([]Case, error) {
	list := []Case{}
	if limit <= 0 {
		return list, nil
	}
	rows, err := t.rows.List(inCases, "", string(after), limit)
	for _, row := range rows {
		var c Case
		if err := read(inCases, row.Value, &c); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, err
}

// CasesOf reads, without their drafts, at most limit cases of a terminal whose id comes after one.
func (t *Tx) CasesOf(terminal, after envelope.ID, limit int) ([]Case, error) {
	from := ""
	if after != "" {
		from = Case{Terminal: terminal, ID: after}.owned()
	}
	return t.listed(inOwners, string(terminal)+"\x00", from, limit)
}

// CasesIn reads, without their drafts, at most limit cases in a state, the oldest
// first, that come after one of a time and id; an empty id begins at the beginning.
func (t *Tx) CasesIn(state string, since int64, after envelope.ID, limit int) ([]Case, error) {
	from := ""
	if after != "" {
		from = Case{State: state, Since: since, ID: after}.place()
	}
	return t.listed(inStates, state+"\x00", from, limit)
}

// listed reads the cases that a page of another table names.
func (t *Tx) listed(table Table, prefix, from string, limit int) ([]Case, error) {
	list := []Case{}
	if limit <= 0 {
		return list, nil
	}
	rows, err := t.rows.List(table, prefix, from, limit)
	for _, row := range rows {
		var id envelope.ID
		if err := read(table, row.Value, &id); err != nil {
			return nil, err
		}
		c, err := t.CaseState(id)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, err
}

// InState calls each for the cases that came into a state before a moment, the
// oldest first.
func (t *Tx) InState(state string, before int64, each func(Case) error) error {
	return some(t, inStates, state+"\x00", "", func(_ string, id envelope.ID) error {
		c, err := t.Case(id)
		if err != nil {
			return err
		}
		if c.Since >= before {
			return errEnough
		}
		return each(c)
	})
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

// Note adds a line to a case's history.
func (t *Tx) Note(id envelope.ID, e Entry) error {
	name := "history-" + string(id)
	n, err := get[int64](t, inCounters, name)
	if errors.Is(err, ErrAbsent) {
		// A case of an older desk has lines under numbers that all cases shared.
		err = all(t, inHistory, string(id)+"\x00", "", func(key string, _ Entry) error { n = numberAt(key); return nil })
	}
	n++
	if err := errors.Join(err, put(t, inCounters, name, n)); err != nil {
		return err
	}
	return add(t, inHistory, string(id)+"\x00"+number(n), e)
}

// History returns a case's history, oldest first.
func (t *Tx) History(id envelope.ID) (history []Entry, err error) {
	err = all(t, inHistory, string(id)+"\x00", "", func(_ string, e Entry) error { history = append(history, e); return nil })
	return history, err
}
