package desk

import (
	"errors"
	"slices"
	"strings"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/receipt"
	"unbindd/cmd/unbind-desk/internal/grounds"
	"unbindd/cmd/unbind-desk/internal/store"
)

// Answer keeps the terminal's n-th answer in a case, moves the case by it, and
// returns the receipt for it, which was stored in the same transaction, and the
// answer's leaf. "none:<terminal>" is the case of answers to what opened none.
func (d *Desk) Answer(who Caller, id envelope.ID, n int64, body []byte) (signed []byte, leaf int64, err error) {
	k := store.Key{Case: id, Kind: grounds.KindAnswer, N: n}
	keep := d.answered
	if strings.HasPrefix(string(id), NoCase) {
		keep = d.stray
	}
	if err := keep(who, k, body); err != nil {
		return nil, 0, err
	}
	return d.signedFor(k)
}

func receiptFor(k store.Key, o store.Object, a command.Answer) receipt.Receipt {
	r := receipt.ForAnswer(k.Case, a.Terminal, a.Subject, k.N, o.Digest).Receipt()
	r.Index = o.Leaf
	return r
}

// answered keeps an answer in a case that was issued.
func (d *Desk) answered(who Caller, k store.Key, body []byte) error {
	open := func(s standing, e *envelope.Envelope) (command.Answer, error) {
		a, err := command.OpenAnswer(e, s.on.Binding.Device)
		if err == nil {
			err = named(a, k, s.Terminal)
		}
		return a, err
	}
	_, err := receive(d, arrival[command.Answer]{k, who, body, open, func(tx *store.Tx, s standing, e *envelope.Envelope, a command.Answer) error {
		to, known, err := d.follows(tx, s, a)
		if err != nil {
			return err
		}
		if err := d.keepAnswer(tx, k, e, a); err != nil {
			return err
		}
		if known {
			return d.noted(tx, s.Case, to, "answer "+string(a.Outcome)+" "+string(a.Code))
		}
		return d.noted(tx, s.Case, to, "answer "+string(a.Outcome)+" "+string(a.Code)+" to an order that is not known here")
	}})
	return err
}

// keepAnswer stores an answer with its receipt.
func (d *Desk) keepAnswer(tx *store.Tx, k store.Key, e *envelope.Envelope, a command.Answer) error {
	kept, err := d.keep(tx, k, e.Digest(), e.Encode())
	if err != nil {
		return err
	}
	_, err = d.receipted(tx, receiptFor(k, kept, a))
	return err
}

// named compares what an answer says of itself with where it was put.
func named(a command.Answer, k store.Key, terminal envelope.ID) error {
	switch {
	case a.V != 1:
		return refuse(ErrUnfit, "E07", "v", "cannot keep the answer: its version is not supported")
	case a.Terminal != terminal:
		return refuse(ErrUnfit, "E09", "terminal", "cannot keep the answer: it is of another terminal")
	case a.Case != k.Case || a.N != k.N:
		return misfit("case", "cannot keep the answer: it is for another case or has another number")
	}
	return nil
}

// follows is the state an answer leads to: only a word about the command itself
// (or about the cancel that ended it) moves the case. It says whether the order is known:
// of one that was never published here, and that somebody carried to the terminal, the
// answer is kept all the same, since otherwise the terminal would never be rid of it.
func (d *Desk) follows(tx *store.Tx, s standing, a command.Answer) (to State, known bool, err error) {
	about, err := subject(tx, s, a.Subject)
	if err != nil {
		return "", false, err
	}
	outcomes := map[envelope.ID]State{
		command.Accepted: Accepted, command.Refused: Refused, command.Undone: Undone,
		command.Cancelled: Cancelled, command.Completed: Erased,
	}
	to, ok := outcomes[a.Outcome]
	switch {
	case !ok:
		return "", false, refuse(ErrUnfit, "E07", "outcome", "cannot keep the answer: its outcome is not known")
	case about == "command", about == "cancel" && (to == Cancelled || to == Undone):
		return to, true, nil
	}
	return s.State, about != "", nil
}

// subject finds which order of the case a digest names, if any.
func subject(tx *store.Tx, s standing, digest envelope.Digest) (found string, err error) {
	if digest == s.Command {
		return "command", nil
	}
	err = tx.Kinds(s.ID, func(kind string, o store.Object) error {
		if slices.Contains([]string{"papers", "amend", "cancel", "close"}, kind) && o.Digest == digest {
			found = kind
		}
		return nil
	})
	return found, err
}

// stray keeps an answer that belongs to no case, under the terminal's name.
func (d *Desk) stray(who Caller, k store.Key, body []byte) error {
	if envelope.ID(strings.TrimPrefix(string(k.Case), NoCase)) != who.Terminal || who.Terminal == "" {
		return refuse(ErrForeign, "E09", "terminal", "cannot serve the client: these are another terminal's answers")
	}
	e, err := envelope.Parse(body, envelope.MaxSize)
	if err != nil {
		return as(ErrMalformed, err)
	}
	if same, err := d.had(k, e.Encode()); same || err != nil {
		return err
	}
	return d.grow("answer", func(tx *store.Tx) error {
		if same, err := known(tx, k, e.Encode()); same || err != nil {
			return err
		}
		if who.Gone {
			return buried("keep the answer")
		}
		b, err := tx.Binding(who.Binding)
		if err != nil {
			return err
		}
		binding, err := d.binding(b)
		if err != nil {
			return err
		}
		a, err := command.OpenAnswer(e, binding.Device)
		if err == nil {
			err = named(a, k, who.Terminal)
		}
		if err != nil {
			return judged(err)
		}
		if err := d.strayed(tx, who.Terminal); err != nil {
			return err
		}
		err = d.keepAnswer(tx, k, e, a)
		what := "answer " + string(a.Outcome) + " " + string(a.Code)
		return errors.Join(err, tx.Note(k.Case, store.Entry{At: d.now(), State: Refused, What: what}))
	})
}

// answers calls each for every answer of a case.
func answers(tx *store.Tx, id envelope.ID, each func(command.Answer)) error {
	return tx.Objects(id, "answer", func(o store.Object) error {
		e, err := envelope.Parse(o.Body, envelope.MaxSize)
		if err != nil {
			return err
		}
		var a command.Answer
		if err := envelope.Decode(e.Payload, &a); err != nil {
			return err
		}
		each(a)
		return nil
	})
}
