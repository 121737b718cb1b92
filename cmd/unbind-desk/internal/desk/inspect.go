package desk

import (
	"errors"

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
	Spoilt   bool        `json:"spoilt,omitempty"` // it cannot be read, and this is what the list says of it
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

func found(f store.Found) Brief {
	b := brief(f.Case)
	b.Spoilt = f.Spoilt
	return b
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
