package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
)

// mistake is one that is made on purpose, in the order of the plan, in what a step
// asks, under the journal, or in the desk. Each must be found.
type mistake struct {
	name  string
	shape shape
	soon  bool   // it is looked for in every run of all tests
	desk  string // of the desk
	spoil func(before, after cells) cells
	hides string
	plans func(*running, journal.Plan) journal.Plan
	blind bool // the gate asks nothing
	wide  bool // it takes several things that go wrong: look for it in breadth
}

func (m mistake) plan(r *running, p journal.Plan) journal.Plan {
	if m.plans != nil {
		return m.plans(r, p)
	}
	return p
}

var cancelShape = shape{name: "cancel", brief: true, quiet: true, cancel: true, noCourier: true}

var (
	partialShape = shape{name: "partial", brief: true, quiet: true, lean: true, partial: true, back: true, noCourier: true}
	copiesShape  = shape{name: "late copies", brief: true, quiet: true, lean: true, partial: true, back: true, copies: 1, noCourier: true}
)

var closedShape = shape{name: "partial, closed", brief: true, quiet: true, lean: true, partial: true, close: true, back: true, noCourier: true}

var plainShape = shape{name: "plain", brief: true, quiet: true, noCourier: true}

var mistakes = []mistake{
	{name: "the line is crossed without a receipt", shape: plainShape, soon: true, blind: true, plans: without("deliver-backup")},
	{name: "the last keys go before the certificate is receipted", shape: plainShape, soon: true, plans: func(r *running, p journal.Plan) journal.Plan {
		for i := range p.Final {
			if p.Final[i].Name == "erase-identity" {
				p.Final[i].Do = func(ctx context.Context, n *journal.Note) error {
					acts := r.lastActs(ctx, n)
					acts.may = func() error { return nil }
					return lastKeys(n, acts)
				}
			}
		}
		return without("deliver-certificate")(r, p)
	}},
	{name: "the tombstone is revealed before the keys go", shape: plainShape, plans: func(_ *running, p journal.Plan) journal.Plan {
		last := len(p.Final) - 1
		p.Final[last-1], p.Final[last] = journal.Step{Name: "tombstone", Do: reveals}, p.Final[last-1]
		return p
	}},
	{name: "a step that cannot deliver gives up waiting", shape: plainShape, plans: func(r *running, p journal.Plan) journal.Plan {
		for i := range p.Final {
			if s := &p.Final[i]; s.Name == "deliver-certificate" || s.Name == "erase-identity" {
				do := s.Do
				s.Do = func(ctx context.Context, n *journal.Note) error {
					if s.Name == "erase-identity" {
						acts := r.lastActs(ctx, n)
						acts.may = func() error { return nil }
						return lastKeys(n, acts)
					}
					r.a.rest = func(context.Context, <-chan struct{}, int, error) error { return errGaveUp }
					if err := do(ctx, n); err != errGaveUp {
						return err
					}
					return nil
				}
			}
		}
		return p
	}},
	{name: "the certificate is not written down", shape: plainShape, spoil: forgets("notes\x00" + noteSigned)},
	{name: "the receipt for the backup is not written down", shape: plainShape, spoil: forgets("notes\x00" + noteReceipt)},
	{name: "the record that destruction began is not in the crossing", shape: plainShape, soon: true, spoil: forgets("notes\x00" + noteOpened)},
	{name: "a cancel is not seen at the crossing", shape: cancelShape, hides: "run\x00cancel"},
	{name: "the outbox is emptied before the desk answers", shape: cancelShape, spoil: func(_, after cells) cells {
		for name := range after {
			if len(name) > 7 && name[:7] == "outbox\x00" && name[7:] != sequence {
				delete(after, name)
			}
		}
		return after
	}},
	{name: "the desk answers before its commit", shape: plainShape, desk: "answers first"},
	{name: "the desk receipts a backup before its commit", shape: plainShape, soon: true, desk: "receipts before"},
	{name: "the desk signs a new receipt for the same bytes", shape: plainShape, desk: "signs anew"},
	{name: "the desk takes other bytes under the same name", shape: plainShape, desk: "takes others"},
	{name: "the desk takes a tombstone once only", shape: plainShape, desk: "reveals once"},
	{name: "the desk takes a late copy of the old certificate as the new one", shape: copiesShape, desk: "takes the old one", wide: true},
	{name: "the desk calls a partial certificate the end", shape: partialShape, desk: "calls it complete"},
	{name: "a cancel that comes after the line is obeyed", shape: cancelShape, wide: true, spoil: obeysLate},
	{name: "a partial certificate that is receipted ends the case", shape: partialShape, plans: func(r *running, p journal.Plan) journal.Plan {
		for i := range p.Final {
			if p.Final[i].Name == "erase-identity" {
				p.Final[i].Do = func(ctx context.Context, n *journal.Note) error {
					acts := r.lastActs(ctx, n)
					may := acts.may
					acts.may = func() error {
						if _, err := r.a.certificateReceipt(); err == nil {
							return nil
						}
						return may()
					}
					return lastKeys(n, acts)
				}
			}
		}
		return p
	}},
}

var errGaveUp = fmt.Errorf("the time for it is over")

// obeysLate is a journal that takes a cancel although the line is crossed: in place of
// the refusal it writes that the run was cancelled.
func obeysLate(before, after cells) cells {
	run := after.run()
	for name, value := range after {
		if strings.HasPrefix(name, "outbox\x00") && name != "outbox\x00"+sequence && before[name] != value && run.Crossed && run.Outcome == journal.Running && refusesLate(value) {
			run.Outcome = journal.Cancelled
			text, err := json.Marshal(run)
			if err != nil {
				panic(err)
			}
			after["run\x00head"] = string(text)
			return after
		}
	}
	return after
}

func refusesLate(parcel string) bool {
	var p journal.Parcel
	var word command.Answer
	if err := json.Unmarshal([]byte(parcel), &p); err != nil {
		panic(err)
	}
	e, err := envelope.Parse(p.Body, envelope.MaxSize)
	if err == nil {
		err = envelope.Decode(e.Payload, &word)
	}
	return err == nil && word.Code == "E23"
}

// without leaves a step's work out.
func without(step string) func(*running, journal.Plan) journal.Plan {
	return func(_ *running, p journal.Plan) journal.Plan {
		for _, all := range [][]journal.Step{p.Reversible, p.Final} {
			for i := range all {
				if all[i].Name == step {
					all[i].Do = func(context.Context, *journal.Note) error { return nil }
				}
			}
		}
		return p
	}
}

// reveals is the last step in the place of the one before it.
func reveals(context.Context, *journal.Note) error { return nil }

// forgets is a journal in which a value is gone after the commit that wrote it.
func forgets(name string) func(before, after cells) cells {
	return func(before, after cells) cells {
		if before[name] != after[name] {
			delete(after, name)
		}
		return after
	}
}

func TestModelOfTheHandshakeFindsEveryMistake(t *testing.T) {
	if raced && os.Getenv("MODEL_RACE") == "" {
		return // the build that TestModel starts does it
	}
	h := newShaking(t)
	for _, m := range mistakes {
		if !m.soon && os.Getenv("HANDSHAKE") == "" {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			h.bug, h.o = m, m.shape
			defer func() { h.bug = mistake{} }()
			g := h.explore(mistakenMost, !m.wide)
			switch stuck := g.stuck(); {
			case g.problem != "":
				t.Logf("after %d states: %s", len(g.points), g.problem)
			case len(stuck) > 0:
				t.Logf("%d of %d states are stuck, as\n%s", len(stuck), len(g.points), g.path(stuck[len(stuck)-1]))
			default:
				t.Errorf("%d states and nobody noticed", len(g.points))
			}
		})
	}
}

// mistakenMost is within how many states each must be found.
const mistakenMost = 3_000
