package desk

import (
	"errors"
	"slices"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/store"
)

// States are every state of a case, in the order in which a case may come by them.
var States = []State{Drafted, Issued, Accepted, BackedUp, Erased, Acknowledged, Gone, Refused, Cancelled, Undone, Closed}

// Query is what cases are looked for by; what is empty is not asked for. After is the
// place that the page before it gave.
type Query struct {
	State    State
	Terminal string
	After    string
}

func (q Query) check() error {
	if q.Terminal != "" {
		if _, err := Name("terminal", q.Terminal); err != nil {
			return err
		}
	}
	if q.State != "" && !slices.Contains(States, q.State) {
		return refuse(ErrMalformed, "E02", "state", "cannot list cases: there is no such state")
	}
	return nil
}

// Screen is one page of cases; Next is the place that the next one begins after,
// "" on the last.
type Screen struct {
	Cases []Brief `json:"cases"`
	Next  string  `json:"next,omitempty"`
}

// Cases reads one page of cases: in a state the oldest first, else by id. How many
// cases there are makes no difference to what it reads, which is never more than a page:
// among the cases of one terminal in one state a page may be short, or empty, and not be
// the last.
func (d *Desk) Cases(q Query, limit int) (Screen, error) {
	var out Screen
	if err := q.check(); err != nil {
		return out, err
	}
	err := d.look(func(tx *store.Tx) error {
		list, err := tx.CasesBy(store.By{State: q.State, Terminal: envelope.ID(q.Terminal)}, q.After, limit+1)
		if err != nil {
			return misplaced(err)
		}
		out = Screen{Cases: []Brief{}}
		if len(list) > limit {
			list = list[:limit]
			out.Next = list[limit-1].Place
		}
		for _, c := range list {
			if q.State == "" || c.State == q.State || c.Spoilt {
				out.Cases = append(out.Cases, found(c))
			}
		}
		return nil
	})
	return out, err
}

// misplaced refuses a place that was never given out.
func misplaced(err error) error {
	if errors.Is(err, store.ErrPlace) {
		return refuse(ErrMalformed, "E28", "after", "cannot list the cases: %w", err)
	}
	return err
}

// Known is a terminal as an operator sees it: what it was admitted for, and the case it
// is in: the last published one, or one before it that was taken after all. Account and USCC are digests and are not shown.
type Known struct {
	Terminal envelope.ID
	Serial   envelope.ID
	Acquirer envelope.ID
	Merchant envelope.ID
	Reader   envelope.ID // its serial number
	Epoch    int64
	Bound    bool
	Case     envelope.ID
	State    State // of that case
}

// TerminalsScreen reads at most limit terminals whose id comes after one; more says
// that there are others.
func (d *Desk) TerminalsScreen(after string, limit int) (list []Known, more bool, err error) {
	if after != "" {
		if _, err := Name("terminal", after); err != nil {
			return nil, false, err
		}
	}
	err = d.look(func(tx *store.Tx) error {
		terminals, err := tx.TerminalsAfter(envelope.ID(after), limit+1)
		if err != nil {
			return err
		}
		if more = len(terminals) > limit; more {
			terminals = terminals[:limit]
		}
		list = make([]Known, len(terminals))
		for i, t := range terminals {
			if list[i], err = knownTerminal(tx, t); err != nil {
				return err
			}
		}
		return nil
	})
	return list, more, err
}

func knownTerminal(tx *store.Tx, t store.Terminal) (Known, error) {
	k := Known{Terminal: t.ID, Epoch: t.Epoch, Bound: t.Binding != ""}
	if t.Nonce != "" {
		e, err := tx.Enrolment(t.Nonce)
		if err != nil && !errors.Is(err, store.ErrAbsent) {
			return k, err
		}
		k.Serial, k.Acquirer, k.Merchant, k.Reader = e.Serial, e.Acquirer, e.Merchant, envelope.ID(e.Reader.SN)
	}
	for _, id := range t.Cases() { // the oldest first
		c, err := tx.CaseState(id)
		if err != nil && !store.Spoilt(err) { // the terminal is here all the same
			return k, err
		}
		k.Case, k.State = id, c.State
		if c.Binding == t.Binding && !slices.Contains(ineffective, c.State) {
			break
		}
	}
	return k, nil
}

// ineffective are the states in which a case has ended and the terminal is as it was.
var ineffective = []State{Refused, Cancelled, Undone}

// Leaf is one line of the log.
type Leaf struct {
	N      int64
	Digest envelope.Digest
}

// LogScreen reads the newest checkpoint and at most limit leaves before one, the
// newest first; before 0 stands for the log's end.
func (d *Desk) LogScreen(before int64, limit int) (size int64, checkpoint []byte, leaves []Leaf, err error) {
	err = d.look(func(tx *store.Tx) error {
		if size, checkpoint, err = d.newestCheckpoint(tx); err != nil {
			return err
		}
		if before <= 0 || before > size {
			before = size
		}
		leaves = []Leaf{}
		for n := before - 1; n >= 0 && len(leaves) < limit; n-- {
			digest, err := tx.Leaf(n)
			if err != nil && !store.Spoilt(err) { // its hash is in the tree all the same
				return err
			}
			leaves = append(leaves, Leaf{n, digest})
		}
		return nil
	})
	return size, checkpoint, leaves, err
}

// VersionOf is the version a case has now: every change of it counts one.
func (d *Desk) VersionOf(text string) (n int64, err error) {
	id, err := Name("case", text)
	if err != nil {
		return 0, err
	}
	err = d.look(func(tx *store.Tx) error {
		c, err := tx.Case(id)
		n = c.Version
		return absent(err, "case", "the case")
	})
	return n, err
}
