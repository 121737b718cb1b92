package agent

import (
	"context"
	"os"

	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/ticket"
	"unbindd/device"
	"unbindd/wipe"
)

// plan is the code's, with stand-ins for what has no part in the hand-shake: the
// reader, the erasing of files, the ledger.
func (r *running) plan() journal.Plan {
	p := r.a.unbind()
	nothing := func(context.Context, *journal.Note) error { return nil }
	for i := range p.Reversible {
		s := &p.Reversible[i]
		if s.Undo != nil {
			s.Undo = nothing
		}
		switch s.Name {
		case "seal-backup":
			s.Do, s.Undo = r.seal, func(context.Context, *journal.Note) error { r.s.sealed = 0; r.h.lay(r.s); return nil }
		case "deliver-backup", "await-successor":
		default:
			if s.Do = nothing; r.h.o.hinders != nil {
				s.Do = r.keeps(s.Name)
			}
		}
	}
	p.Gate = r.gate
	for i := range p.Final {
		s := &p.Final[i]
		switch s.Name {
		case "sign-certificate":
			s.Do = r.draws(s.Do)
		case "deliver-certificate", "tombstone":
		case "erase-identity":
			s.Do = func(ctx context.Context, n *journal.Note) error { return lastKeys(n, r.lastActs(ctx, n)) }
		default:
			s.Do = r.erases(s.Name)
		}
	}
	p = r.h.bug.plan(r, p)
	for _, all := range [][]journal.Step{p.Reversible, p.Final} {
		for i := range all {
			do := all[i].Do
			all[i].Do = func(ctx context.Context, n *journal.Note) error { r.ctx = ctx; return do(ctx, n) }
		}
	}
	return p
}

// seal keeps what sealing kept when it was recorded: the first backup, or the one
// that supersedes it.
func (r *running) seal(_ context.Context, n *journal.Note) error {
	if r.h.called(envelope.Digest(r.drawer.now.run().Name)) == "earlier" {
		return giveUp("E26", "ledger", "cannot seal: the model goes no further with this one")
	}
	r.s.sealed = min(r.manifest()+1, 2)
	r.h.lay(r.s)
	for name, v := range r.h.seals[r.s.sealed] {
		r.h.must(n.Keep(name, v))
	}
	return nil
}

// keeps stands for a step before the sealing: what it kept when it was recorded.
func (r *running) keeps(step string) func(context.Context, *journal.Note) error {
	return func(_ context.Context, n *journal.Note) error {
		for name, v := range r.h.erased[step] {
			r.h.must(n.Keep(name, v))
		}
		return nil
	}
}

// manifest is the number of the manifest in force; 0 none.
func (r *running) manifest() int { return r.h.manifestIn(r.drawer.now) }

// gate is the agent's: its list, its round, what it fixes. Conditions on the
// reader, its events and the power hold; the ledger may have grown or be damaged.
func (r *running) gate(ctx context.Context, n *journal.Note) error {
	r.ctx = ctx
	c, err := r.a.openCase()
	if err != nil {
		return giveUpOn(err)
	}
	checks := r.a.gateChecks()
	for i := range checks {
		switch checks[i].name {
		case "reader", "events", "power", "journal":
			checks[i].hold = func(context.Context, *caseFile) (string, error) { return "", nil }
		case "ledger":
			checks[i].hold = r.ledger
		}
	}
	if r.h.bug.blind {
		return n.Keep(noteOpened, r.unasked(c))
	}
	lines, err := r.a.askAll(ctx, c, checks)
	if err != nil {
		return err
	}
	o := opened{Gate: lines}
	o.Started, o.Clock = r.a.clock.read()
	if err := r.a.fix(c, &o); err != nil {
		return err
	}
	return n.Keep(noteOpened, o)
}

// unasked is what a gate keeps that asks nothing.
func (r *running) unasked(c *caseFile) (o opened) {
	m, _, err := r.a.manifestNow()
	r.h.must(err)
	o.Auth = authority{Digest: c.digest(), Kind: "command"}
	o.Order = ticket.Order{
		SN: m.Reader.SN, RC: m.Reader.RC, EraCnt: uint32(m.Reader.EraCnt), Scope: slotsOf(m.Scope), Command: c.digest(), Authority: c.digest(),
	}
	o.Profile, err = r.a.identity().profile(c.command.Profile.ID, c.command.Profile.Digest)
	r.h.must(err)
	return o
}

func (r *running) ledger(context.Context, *caseFile) (string, error) {
	options := []string{"whole"}
	if r.h.o.grow && !r.s.said.Grown {
		options = append(options, "grown")
	}
	if r.h.o.grow && !r.s.said.Broken {
		options = append(options, "broken")
	}
	if len(options) == 1 {
		return "", nil
	}
	switch r.choose("ledger", options) {
	case "grown":
		r.s.said.Grown = true
		return "", again("the ledger has grown since it was sealed")
	case "broken":
		r.s.said.Broken = true
		return "", giveUp("E26", "ledger", "cannot cross: the ledger is damaged")
	}
	r.saw("ledger")
	return "", nil
}

// erases stands for a step that erases: what it kept when it was recorded.
func (r *running) erases(step string) func(context.Context, *journal.Note) error {
	return func(_ context.Context, n *journal.Note) error {
		r.h.mayErase(r)
		if step == "erase-data" {
			r.s.sealed = 0
			r.h.lay(r.s)
		}
		for name, v := range r.h.erased[step] {
			if name == noteReader && r.refuses() {
				v = r.h.refusing(v)
			}
			r.h.must(n.Keep(name, v))
		}
		if step == "erase-reader-keys" && r.refuses() {
			return &journal.LeftOpen{Detail: outcomeRefused}
		}
		return nil
	}
}

// nobody is a machine on which nobody has files open.
type nobody struct{ wipe.Sys }

func (nobody) Holders(targets ...string) ([]wipe.Holding, [][]wipe.Holding, bool, error) {
	return nil, make([][]wipe.Holding, len(targets)), false, nil
}

// refuses says whether the reader does not erase: until it was repaired.
func (r *running) refuses() bool { return r.h.o.partial && !r.s.said.Back }

// draws signs, and looks which preimage is on disk then, whatever cut it.
func (r *running) draws(sign func(context.Context, *journal.Note) error) func(context.Context, *journal.Note) error {
	return func(ctx context.Context, n *journal.Note) error {
		r.drawing = r.h.certs[r.h.signedIn(r.drawer.now)].n + 1
		defer func() { r.drew(); r.drawing = 0 }()
		return sign(ctx, n)
	}
}

func (r *running) drew() {
	if r.drawing == 0 {
		return
	}
	if _, err := r.a.keys.OpenPreimage(r.a.preimageLabel(r.drawing)); err == nil {
		r.s.drawn, r.h.drawn = int(r.drawing), int(r.drawing)
	}
}

// repaired is the bound reader, switched on again after it had refused. All that the
// hand-shake hears of it is that it is there.
type repaired struct {
	conversation
	serial string
}

func (c repaired) Identify(context.Context) (device.Identity, error) {
	return device.Identity{Serial: c.serial, BootCount: 2}, nil
}

func (repaired) Close() error { return nil }

// lastActs are the agent's, on the disk of the model: the tombstone is there as a
// whole or not, the keys are there, half gone, or gone.
func (r *running) lastActs(ctx context.Context, n *journal.Note) lastActs {
	acts := r.a.lastActs(ctx, n)
	acts.stands = func() bool { return r.s.stone != "" }
	acts.settle = func() error { return nil }
	engrave := acts.engrave
	acts.engrave = func() error {
		if err := engrave(); err != nil {
			return err
		}
		text, err := os.ReadFile(r.a.at.tombstone())
		r.h.must(err)
		before, after := r.cut(r.drawer.now), r.cut(r.drawer.now)
		after.stone = string(text)
		what := r.choose("tombstone", []string{"written", "cut before", "cut after"}, map[string]standing{"cut before": before, "cut after": after})
		if what != "cut before" {
			r.s.stone = string(text)
		}
		if what != "written" {
			panic(cutHere{})
		}
		return nil
	}
	acts.erase = func() error {
		r.h.mayEnd(r)
		if r.s.who == whoThere {
			r.s.who = whoHalf
			if r.choose("keys", []string{"on", "cut"}, map[string]standing{"cut": r.cut(r.drawer.now)}) == "cut" {
				panic(cutHere{})
			}
		}
		r.s.who = whoGone
		r.a.id, r.a.keys, r.a.link = nil, nil, nil
		return nil
	}
	return acts
}
