package store

import (
	"encoding/hex"
	"errors"

	"unbindd/agent/envelope"
)

// By says which cases are listed: those of a terminal, by id, or those in a state, the
// oldest first; where it says neither, all of them by id. Where it says both, the
// terminal's, and the caller looks at their state.
type By struct {
	State    string
	Terminal envelope.ID
}

// rows are where the cases are found, and what their keys begin with.
func (b By) rows() (Table, string) {
	switch {
	case b.Terminal != "":
		return inOwners, string(b.Terminal) + "\x00"
	case b.State != "":
		return inStates, b.State + "\x00"
	}
	return inCases, ""
}

// Found is a case, without its draft, with the place to go on from after it. Of one that
// is Spoilt, whose record cannot be read, there is what the list itself says.
type Found struct {
	Case
	Place  string
	Spoilt bool
}

// listed is what the rest of a key says of the case that it leads to.
func (b By) listed(table Table, rest string) Case {
	switch {
	case table == inStates && len(rest) >= 8:
		return Case{State: b.State, Since: numberAt(rest[:8]), ID: envelope.ID(rest[8:])}
	case table == inOwners:
		return Case{Terminal: b.Terminal, ID: envelope.ID(rest)}
	}
	return Case{ID: envelope.ID(rest)}
}

// ErrPlace says that a place to go on from is none that was given out.
var ErrPlace = errors.New("cannot go on from there: it is no place in the list")

// CasesBy reads at most limit cases that come after a place; "" is the beginning. It is
// the one way in which cases are listed. A place is the rest of a key, in hex, because
// keys have numbers in them.
func (t *Tx) CasesBy(by By, after string, limit int) ([]Found, error) {
	list := []Found{}
	if limit <= 0 {
		return list, nil
	}
	table, prefix := by.rows()
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
	for _, row := range rows {
		rest := row.Key[len(prefix):]
		found := Found{Case: by.listed(table, rest), Place: hex.EncodeToString([]byte(rest))}
		c, err := t.CaseState(found.ID)
		switch {
		case Spoilt(err): // it keeps nobody from those behind it
			found.Spoilt = true
		case err != nil:
			return nil, err
		default:
			found.Case = c
		}
		list = append(list, found)
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
