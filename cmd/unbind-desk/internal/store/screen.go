package store

import (
	"encoding/hex"
	"errors"

	"unbindd/agent/envelope"
)

// Found is a case with the place to go on from after it.
type Found struct {
	Case
	Place string
}

// ErrPlace says that a place to go on from is none that was given out.
var ErrPlace = errors.New("cannot go on from there: it is no place in the list")

// InStateAfter reads at most limit cases of a state that come after a place, the
// oldest first.
func (t *Tx) InStateAfter(state, after string, limit int) ([]Found, error) {
	return t.found(inStates, state+"\x00", after, limit)
}

// OfTerminalAfter reads at most limit cases of a terminal that come after a place,
// in the order in which they were drafted.
func (t *Tx) OfTerminalAfter(terminal envelope.ID, after string, limit int) ([]Found, error) {
	return t.found(inNumbers, string(terminal)+"\x00", after, limit)
}

// found reads cases by a table that names them. A place is the rest of a key, in
// hex, because keys have numbers in them.
func (t *Tx) found(table Table, prefix, after string, limit int) ([]Found, error) {
	from := ""
	if after != "" {
		rest, err := hex.DecodeString(after)
		if err != nil {
			return nil, ErrPlace
		}
		from = prefix + string(rest)
	}
	rows, err := t.rows.List(table, prefix, from, limit)
	if err != nil {
		return nil, err
	}
	list := make([]Found, 0, len(rows))
	for _, row := range rows {
		var id envelope.ID
		if err := read(table, row.Value, &id); err != nil {
			return nil, err
		}
		c, err := t.Case(id)
		if err != nil {
			return nil, err
		}
		list = append(list, Found{Case: c, Place: hex.EncodeToString([]byte(row.Key[len(prefix):]))})
	}
	return list, nil
}

// TerminalsAfter reads at most limit terminals whose id comes after one.
func (t *Tx) TerminalsAfter(after envelope.ID, limit int) ([]Terminal, error) {
	rows, err := t.rows.List(inTerminals, "", string(after), limit)
	if err != nil {
		return nil, err
	}
	list := make([]Terminal, len(rows))
	for i, row := range rows {
		if err := read(inTerminals, row.Value, &list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}
