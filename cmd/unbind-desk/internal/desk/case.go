package desk

import (
	"errors"
	"slices"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/grounds"
	"unbindd/cmd/unbind-desk/internal/store"
)

// State is how far a case has got, as the desk knows it. An answer may be late
// or lost, so a step may be passed over, but never taken back:
//
//	drafted -> cancelled                            (never published)
//	drafted -> issued -> accepted -> backed-up -> erased -> acknowledged -> gone
//	           issued -> refused -> accepted, or what follows (handed in again once
//	                                the cause was mended)
//	           issued, accepted, backed-up -> undone | cancelled
//	           erased, acknowledged -> closed -> gone      (a signed close)
//
// "erased" stands on the terminal's word that its certificate is signed, or on
// a partial certificate; "acknowledged" on the desk's receipt for a complete one.
type State = string

// The states of a case.
const (
	Drafted      State = "drafted"
	Issued       State = "issued"
	Accepted     State = "accepted"
	Refused      State = "refused"
	Cancelled    State = "cancelled"
	Undone       State = "undone"
	BackedUp     State = "backed-up"
	Erased       State = "erased"
	Acknowledged State = "acknowledged"
	Gone         State = "gone"
	Closed       State = "closed"
)

var moves = map[State][]State{
	Drafted:      {Issued, Cancelled},
	Issued:       {Accepted, Refused, Cancelled, Undone, BackedUp, Erased, Acknowledged},
	Refused:      {Accepted, Cancelled, Undone, Erased, Acknowledged},
	Accepted:     {Cancelled, Undone, BackedUp, Erased, Acknowledged},
	BackedUp:     {Cancelled, Undone, Erased, Acknowledged},
	Erased:       {Acknowledged, Closed, Gone},
	Acknowledged: {Closed, Gone},
	Closed:       {Gone},
}

// open says whether a case stands in the way of another one, or of an enrolment.
func open(s State) bool { return slices.Contains(opens, s) }

var opens = []State{Issued, Accepted, BackedUp, Erased}

// note writes a line of the history, counts the change, and moves the case if to
// may follow its state; a late word about an earlier step leaves the state as it is.
func (d *Desk) note(tx *store.Tx, c store.Case, to State, what string) (store.Case, error) {
	moved, refused := slices.Contains(moves[c.State], to), c.State == Refused
	if moved {
		c.State, c.Since = to, d.now()
	}
	c.Version++
	err := errors.Join(tx.PutCase(c), tx.NoteVersion(c, store.Entry{At: d.now(), State: c.State, What: what}))
	if err == nil && moved {
		err = d.announce(tx, c)
	}
	if err == nil && moved && refused {
		err = takenAfterAll(tx, c)
	}
	return c, err
}

// takenAfterAll has a case count again beside the one that was published when its
// command had been refused: its orders go out, and it stands in the way of others.
func takenAfterAll(tx *store.Tx, c store.Case) error {
	t, err := tx.Terminal(c.Terminal)
	if err != nil || t.Case == c.ID || t.Binding != c.Binding {
		return err
	}
	t.Earlier = c.ID
	return tx.PutTerminal(t)
}

// noted is note for who needs the case no more.
func (d *Desk) noted(tx *store.Tx, c store.Case, to State, what string) error {
	_, err := d.note(tx, c, to, what)
	return err
}

// standing is a published case with what it stands on.
type standing struct {
	store.Case
	on    *grounds.Grounds
	under int // the newest trust version it was opened under
	came  came
}

// standing reads a case that the caller may see, and what it stands on.
func (d *Desk) standing(tx *store.Tx, id envelope.ID, who Caller) (standing, error) {
	c, err := d.seen(tx, id, who)
	if err != nil {
		return standing{}, err
	}
	return d.standingOf(tx, c)
}

func (d *Desk) standingOf(tx *store.Tx, c store.Case) (standing, error) {
	o, err := tx.Object(store.Key{Case: c.ID, Kind: "command", N: 1})
	if err != nil {
		return standing{}, absent(err, "command", "the command")
	}
	b, err := tx.Binding(c.Binding)
	if err != nil {
		return standing{}, err
	}
	versions := d.versions()
	on := basis{order: envelope.DigestOf(o.Body), binding: envelope.DigestOf(b.Envelope), under: len(versions)}
	g := d.memo.find(on)
	if g == nil {
		if g, err = openUnder(versions, o.Body, b.Envelope); err != nil {
			return standing{}, err
		}
		d.memo.keep(on, g)
	}
	return standing{Case: c, on: g, under: len(versions)}, nil
}

func openUnder(versions []*trust.Trust, order, binding []byte) (*grounds.Grounds, error) {
	o, err := envelope.Parse(order, envelope.MaxSize)
	if err != nil {
		return nil, err
	}
	b, err := envelope.Parse(binding, envelope.MaxSize)
	if err != nil {
		return nil, err
	}
	return grounds.On(versions, o, b)
}

// standingAs is standingOf for a case whose grounds were opened a moment ago: command
// and binding never change, and trust only grows, so they are the same grounds as
// long as no newer version came between.
func (d *Desk) standingAs(tx *store.Tx, c store.Case, before standing) (standing, error) {
	if c.Command != before.Command || c.Binding != before.Binding || len(d.versions()) != before.under {
		return d.standingOf(tx, c)
	}
	before.Case = c
	return before, nil
}

// seen reads a case if it is the caller's own; the ticket signer sees all.
func (d *Desk) seen(tx *store.Tx, id envelope.ID, who Caller) (store.Case, error) {
	return d.seenBy(tx.Case, id, who)
}

// seenBy is seen, of as much of the case as read reads.
func (d *Desk) seenBy(read func(envelope.ID) (store.Case, error), id envelope.ID, who Caller) (store.Case, error) {
	c, err := read(id)
	if err != nil {
		return c, absent(err, "case", "the case")
	}
	if !who.Signer && c.Binding != who.Binding {
		return c, refuse(ErrForeign, "E09", "case", "cannot serve the client: the case belongs to another terminal or a former enrolment")
	}
	return c, nil
}

// object reads a stored envelope.
func (d *Desk) object(tx *store.Tx, k store.Key) (*envelope.Envelope, error) {
	o, err := tx.Object(k)
	if err != nil {
		return nil, absent(err, k.Kind, "the "+k.Kind)
	}
	return envelope.Parse(o.Body, envelope.MaxSize)
}
