package desk

import (
	"errors"
	"slices"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/store"
)

// Brief is a case on one line.
type Brief struct {
	Case     envelope.ID `json:"case"`
	Terminal envelope.ID `json:"terminal"`
	State    State       `json:"state"`
	Since    int64       `json:"since"` // Unix seconds
	Version  int64       `json:"version"`
}

// Held is one object the desk has, without its content.
type Held struct {
	Kind     string          `json:"kind"`
	N        int64           `json:"n"`
	Digest   envelope.Digest `json:"digest"`
	Received int64           `json:"received"`
	Leaf     int64           `json:"leaf"`
}

// Whole is a case with its objects and its history.
type Whole struct {
	Brief
	Command envelope.Digest `json:"command"`
	Binding envelope.Digest `json:"binding"`
	Objects []Held          `json:"objects"`
	History []store.Entry   `json:"history"`
}

// CasesPage is how many cases, alarms or overdue ones are listed at once.
const CasesPage = 200

// Query narrows a list of cases: to a state, which is listed from the oldest on, or
// to a terminal. After, and with a state Since, are those of the last case that
// was listed before.
type Query struct {
	State    State
	Terminal string
	Since    int64
	After    string
}

func (q Query) check() error {
	for what, text := range map[string]string{"case": q.After, "terminal": q.Terminal} {
		if text == "" {
			continue
		}
		if _, err := Name(what, text); err != nil {
			return err
		}
	}
	switch {
	case q.State != "" && q.Terminal != "":
		return refuse(ErrMalformed, "E02", "query", "cannot list cases: by state or by terminal, not both")
	case q.State != "" && !slices.Contains(states, q.State):
		return refuse(ErrMalformed, "E02", "state", "cannot list cases: there is no such state")
	}
	return nil
}

// Cases lists a page of cases, by id where a query says nothing else. How many
// cases there are makes no difference to what it reads.
func (d *Desk) Cases(q Query) ([]Brief, error) {
	list := []Brief{}
	if err := q.check(); err != nil {
		return list, err
	}
	err := d.look(func(tx *store.Tx) (err error) {
		var page []store.Case
		switch after := envelope.ID(q.After); {
		case q.State != "":
			page, err = tx.CasesIn(q.State, q.Since, after, CasesPage)
		case q.Terminal != "":
			page, err = tx.CasesOf(envelope.ID(q.Terminal), after, CasesPage)
		default:
			page, err = tx.CasesAfter(after, CasesPage)
		}
		list = list[:0]
		for _, c := range page {
			list = append(list, brief(c))
		}
		return err
	})
	return list, err
}

func brief(c store.Case) Brief {
	return Brief{Case: c.ID, Terminal: c.Terminal, State: c.State, Since: c.Since, Version: c.Version}
}

// Inspect shows one case.
func (d *Desk) Inspect(text string) (Whole, error) {
	id, err := Name("case", text)
	if err != nil {
		return Whole{}, err
	}
	var w Whole
	err = d.look(func(tx *store.Tx) error {
		c, err := tx.Case(id)
		if err != nil {
			return absent(err, "case", "the case")
		}
		w = Whole{Brief: brief(c), Command: c.Command, Binding: c.Binding, Objects: []Held{}}
		history, err := tx.History(id)
		w.History = history
		return errors.Join(err, tx.Kinds(id, func(kind string, o store.Object) error {
			w.Objects = append(w.Objects, Held{Kind: kind, N: o.N, Digest: o.Digest, Received: o.Received, Leaf: o.Leaf})
			return nil
		}))
	})
	return w, err
}
