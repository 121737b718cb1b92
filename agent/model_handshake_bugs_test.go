package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
)

// mistake is one that is made on purpose, in the order of the plan, in what a step
// asks, under the journal, or in the desk. Each must be found, by its own sign.
type mistake struct {
	name  string
	want  string // of the violation; "stuck"; or, from fellOver on, of the panic
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

const fellOver = "the process fell over: "

// seen says whether a search came upon the sign that the mistake should give. A
// process that falls over is one only where that is what is wanted.
func (m mistake) seen(g *graph, stuck int) bool {
	sign, _, _ := strings.Cut(g.problem, "\n")
	switch {
	case g.fell:
		return strings.HasPrefix(m.want, fellOver) && strings.HasPrefix(sign, m.want)
	case sign != "":
		return strings.Contains(sign, m.want)
	}
	return m.want == "stuck" && stuck > 0
}

var cancelShape = shape{name: "cancel", brief: true, quiet: true, cancel: true, noCourier: true}

var (
	partialShape = shape{name: "partial", brief: true, quiet: true, lean: true, partial: true, back: true, noCourier: true}
	copiesShape  = shape{name: "late copies", brief: true, quiet: true, lean: true, partial: true, back: true, copies: 1, noCourier: true}
)

var closedShape = shape{name: "partial, closed", brief: true, quiet: true, lean: true, partial: true, close: true, back: true, noCourier: true, leads: toAnOldClose}

var (
	refusedShape = shape{name: "refused first", brief: true, quiet: true, lean: true, hinders: []string{otherReader}, noCourier: true}
	retakenShape = shape{name: "refused first, late copies", brief: true, quiet: true, lean: true, hinders: []string{badLedger}, copies: 1, noCourier: true, leads: toALateRefusal}
)

var plainShape = shape{name: "plain", brief: true, quiet: true, noCourier: true}

var mistakes = []mistake{
	{name: "the line is crossed without a receipt", want: "an erase on nothing but command", shape: plainShape, soon: true, blind: true, plans: without("deliver-backup")},
	{name: "the last keys go before the certificate is receipted", want: "neither a receipt for the certificate nor a close is there", shape: plainShape, soon: true, plans: func(r *running, p journal.Plan) journal.Plan {
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
	{name: "the tombstone is revealed before the keys go", want: "the desk was not told", shape: plainShape, plans: func(_ *running, p journal.Plan) journal.Plan {
		last := len(p.Final) - 1
		p.Final[last-1], p.Final[last] = journal.Step{Name: "tombstone", Do: reveals}, p.Final[last-1]
		return p
	}},
	{name: "a step that cannot deliver gives up waiting", want: "neither a receipt for the certificate nor a close is there", shape: plainShape, plans: func(r *running, p journal.Plan) journal.Plan {
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
	{name: "the certificate is not written down", want: fellOver + "runtime error: invalid memory address", shape: plainShape, spoil: forgets("notes\x00" + noteSigned)},
	{name: "the receipt for the backup is not written down", want: "stuck", shape: plainShape, spoil: forgets("notes\x00" + noteReceipt)},
	{name: "the record that destruction began is not in the crossing", want: "the record that destruction began is not there", shape: plainShape, soon: true, spoil: forgets("notes\x00" + noteOpened)},
	{name: "a cancel is not seen at the crossing", want: "a cancel was accepted, and the line is crossed", shape: cancelShape, hides: "run\x00cancel"},
	{name: "the outbox is emptied before the desk answers", want: "the acceptance is not in the outbox", shape: plainShape, spoil: func(_, after cells) cells {
		for name := range after {
			if len(name) > 7 && name[:7] == "outbox\x00" && name[7:] != sequence {
				delete(after, name)
			}
		}
		return after
	}},
	{name: "the desk answers before its commit", want: "says that it keeps certificate/1, and does not", shape: plainShape, desk: "answers first"},
	{name: "the desk receipts a backup before its commit", want: "says that it keeps backup/1, and does not", shape: plainShape, soon: true, desk: "receipts before"},
	{name: "the desk signs a new receipt for the same bytes", want: "that went out is not the one that was kept", shape: plainShape, desk: "signs anew"},
	{name: "the desk takes other bytes under the same name", want: "other bytes as", shape: plainShape, desk: "takes others"},
	{name: "the desk takes a tombstone once only", want: "stuck", shape: plainShape, desk: "reveals once"},
	{name: "the desk takes a late copy of the old certificate as the new one", want: "the desk called the case", shape: copiesShape, desk: "takes the old one", wide: true},
	{name: "the desk calls a partial certificate the end", want: "no certificate says that all is done", shape: partialShape, desk: "calls it complete"},
	{name: "a cancel that comes after the line is obeyed", want: "a case ended cancelled, and something was erased", shape: cancelShape, wide: true, spoil: obeysLate},
	{name: "a partial certificate that is receipted ends the case", want: "neither a receipt for the certificate nor a close is there", shape: partialShape, plans: func(r *running, p journal.Plan) journal.Plan {
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
	{name: "a refusal is answered to nobody", want: "the answer is neither in the outbox nor at the desk", shape: refusedShape, spoil: swallows},
	{name: "an order that was refused once is never taken", want: "stuck", shape: refusedShape, spoil: bearsGrudges},
	{name: "the desk does not take a refused order up again", want: "the desk has the acceptance, and calls the case refused", shape: refusedShape, desk: "stays refused"},
	{name: "a late copy of a refusal takes the acceptance back", want: "the desk called the case", shape: retakenShape, desk: "takes it back", wide: true},
	{name: "an old close ends the telling", want: "the desk was not told", shape: closedShape, soon: true, wide: true, plans: func(r *running, p journal.Plan) journal.Plan {
		s := &p.Final[len(p.Final)-1]
		do := s.Do
		s.Do = func(ctx context.Context, n *journal.Note) error {
			rest := r.a.rest
			r.a.rest = func(ctx context.Context, rung <-chan struct{}, tries int, err error) error {
				var raw json.RawMessage
				if there, err := r.a.journal.Get(noteClose, &raw); there || err != nil {
					return errors.Join(err, errGaveUp)
				}
				return rest(ctx, rung, tries, err)
			}
			if err := do(ctx, n); !errors.Is(err, errGaveUp) {
				return err
			}
			return nil
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

func refusesLate(parcel string) bool { return saidIn(parcel).Code == "E23" }

// saidIn is what an answer in the outbox says.
func saidIn(parcel string) (word command.Answer) {
	var p journal.Parcel
	if err := json.Unmarshal([]byte(parcel), &p); err != nil {
		panic(err)
	}
	e, err := envelope.Parse(p.Body, envelope.MaxSize)
	if err == nil {
		err = envelope.Decode(e.Payload, &word)
	}
	if err != nil {
		return command.Answer{}
	}
	return word
}

// swallows is a journal in which no refusal of an order gets into the outbox.
func swallows(before, after cells) cells {
	for name, value := range after {
		if strings.HasPrefix(name, "outbox\x00") && name != "outbox\x00"+sequence && before[name] != value && saidIn(value).Outcome == command.Refused {
			delete(after, name)
		}
	}
	return after
}

// bearsGrudges is a journal that begins nothing that was judged before.
func bearsGrudges(before, after cells) cells {
	if begun := after.run().Name; begun != before.run().Name && strings.Contains(before["memory\x00judged"], begun) {
		return before
	}
	return after
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
			stuck := g.stuck()
			switch {
			case !m.seen(g, len(stuck)):
				t.Errorf("%d states, %d of them stuck, and no %q, but: %s", len(g.points), len(stuck), m.want, g.problem)
			case g.problem != "":
				t.Logf("after %d states: %s", len(g.points), g.problem)
			default:
				t.Logf("%d of %d states are stuck, as\n%s", len(stuck), len(g.points), g.path(stuck[len(stuck)-1]))
			}
		})
	}
}

// mistakenMost is within how many states each must be found.
const mistakenMost = 3_000
