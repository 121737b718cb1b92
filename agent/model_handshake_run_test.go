package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/rs/zerolog"

	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/ticket"
	"unbindd/device"
	"unbindd/wipe"
)

// standing is everything between two acts of the terminal's process: what lies on
// its disk, what the desk has, and what is on its way between them.
type standing struct {
	cells   cells
	sealed  int    // which sealed file lies in the spool; 0 none
	carried int    // which lies on the courier medium
	stone   string // the tombstone; "" none
	who     int    // the identity: whole, halfGone, gone
	buried  bool
	drawn   int // for which certificate the preimage on disk was drawn last; 0 the first
	desk    int
	net     []deskAsked // copies that still travel
	polled  string      // what the terminal took last of the desk's orders
	said    said
}

// files are what is on disk besides the journal.
type files struct {
	sealed, who, drawn int
	stone              string
}

func (s standing) files() files { return files{s.sealed, s.who, s.drawn, s.stone} }

const (
	whoThere = iota
	whoHalf
	whoGone
)

// said is what people and time have done, each once.
type said struct{ Cancel, Sealed, Partial, Close, Late, Grown, Broken, Repoll, Back bool }

// The ways a run of the terminal ends in the model, as panics.
type (
	cutHere struct{} // the power goes, or nothing of the process matters any more
	metHere struct{} // the script is at its end, and nobody wants to go on
)

// running is the terminal's process from one standing on, with the code's own
// functions, as a script says.
type running struct {
	h       *shaking
	s       standing
	script  []string
	taken   []string // of the script
	cuts    map[string]standing
	disk    files  // at the last commit
	drawing int64  // the certificate that is being signed
	pulled  string // orders that are being taken
	meet    meeting
	history []string // all that the process has learnt
	drawer  *drawer
	a       *Agent
	ctx     context.Context // of the step
	step    string
}

// meeting is asked where the script is at its end: what next, or whether the run
// stops here.
type meeting func(r *running, label string, options []string) (what string, on bool)

// play runs the process along a script, and then as whoever it meets says, until
// only what is on disk matters. over is false where it was stopped before.
func (h *shaking) play(from standing, script []string, meet meeting) (r *running, over bool) {
	r = &running{h: h, s: from, script: script, meet: meet, disk: from.files(), ctx: context.Background()}
	defer func() {
		r.s.cells = r.drawer.now
		switch p := recover().(type) {
		case nil, cutHere:
			over = true
		case metHere:
		default:
			panic(p)
		}
	}()
	r.begin()
	what := r.choose("begin", r.beginnings())
	r.saw("begin %s", what)
	switch what {
	case "go":
		r.carry()
	case "flush":
		r.err(r.a.flush(r.ctx, r.a.links(), ""))
	default:
		r.befalls(what)
	}
	return r, true
}

func (r *running) err(error) {} // a failure is tried again: what is on disk decides

// choose takes the next word of the script, or asks. With some words the power goes,
// and no process is needed to tell what is there then: cuts has that.
func (r *running) choose(label string, options []string, cuts ...map[string]standing) string {
	var what string
	if len(r.script) > 0 {
		what, r.script = r.script[0], r.script[1:]
	} else {
		r.cuts = nil
		if len(cuts) > 0 {
			r.cuts = cuts[0]
		}
		var on bool
		if what, on = r.meet(r, label, options); !on {
			panic(metHere{})
		}
	}
	r.taken = append(r.taken, what)
	return what
}

// cut is what is there when the power goes now.
func (r *running) cut(now cells) standing {
	r.drew()
	s := r.s
	s.cells = now
	return s
}

// saw is what the process learns, which is all that its memory can depend on: an
// answer, and what stood in its journal then.
func (r *running) saw(format string, args ...any) {
	r.history = append(r.history, fmt.Sprintf(format, args...)+" "+r.pages())
}

// begin puts the agent together over what is on disk, as openBound does.
func (r *running) begin() {
	h := r.h
	r.drawer = &drawer{now: r.s.cells, spoil: h.bug.spoil, hides: h.bug.hides}
	r.a = New(Parts{
		Config: h.b.a.Config, Log: zerolog.Nop(), Version: "1", Sys: nobody{h.b.a.Sys}, Machine: modelMachine{}, Rand: zeros{}, Now: h.now(r.s.said.Late), Moment: func(string) {},
	})
	a := r.a
	a.Courier = h.b.a.Courier
	j, err := journal.On(r.drawer, journal.Options{Now: a.Now})
	h.must(err)
	a.journal, a.orders, a.cancel = j, make(chan struct{}, 1), make(chan struct{})
	if r.s.who == whoThere {
		a.id, a.keys = h.b.a.id, h.b.a.keys
		if r.s.said.Back {
			a.reader = repaired{serial: string(a.id.binding.Reader.SN)}
		}
	}
	a.link = &modelLink{r}
	a.ways = r.way
	a.rest = func(ctx context.Context, _ <-chan struct{}, _ int, _ error) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		panic(cutHere{})
	}
	a.plan = r.plan()
	r.drawer.ask = r.writes
	h.lay(r.s)
}

// writes decides about a commit.
func (r *running) writes(before, after cells) (commit, cut bool) {
	if r.h.o.lean && ofApart(before, after) {
		return true, false
	}
	options := []string{"written", "cut before", "cut after"}
	r.drew()
	if r.h.o.brief && r.disk == r.s.files() { // nothing is there that was not at the last commit
		options = []string{"written", "cut after"}
	}
	cuts := map[string]standing{"cut before": r.cut(before)}
	if r.pulled != "" { // from here on something of it is on disk
		r.s.polled, r.pulled = r.pulled, ""
	}
	cuts["cut after"] = r.cut(after)
	switch r.choose("write", options, cuts) {
	case "cut before":
		return false, true
	case "cut after":
		return true, true
	}
	r.disk = r.s.files()
	r.history = append(r.history, "written") // a place further, also where the same was written again
	return true, false
}

// apart are the steps that take no part in the hand-shake. What they write, their own
// status and evidence, is read by nothing that others can do meanwhile, and they read
// nothing of what that writes; so in which order the two come makes no difference, and
// a lean search does them in one go. A cut in them leads back to their beginning: it is
// tried by the searches that are not lean.
var apart = []string{
	"check-papers", "inspect", "freeze", "settle", "drain", "await-successor",
	"erase-reader-keys", "erase-keys", "erase-data", "remove-software", "verify-erased",
}

// ofApart says whether a commit is about one of those steps.
func ofApart(before, after cells) bool {
	return slices.ContainsFunc(apart, func(step string) bool {
		return before["steps\x00"+step] != after["steps\x00"+step]
	})
}

// carry is obey, over the code's Carrier and plan.
func (r *running) carry() {
	c := &journal.Carrier{
		Journal: r.a.journal, Plan: r.a.plan, CodeOf: code, Parting: r.a.parting, Cancel: r.a.cancel,
		Pause: func(context.Context, int) error { panic(cutHere{}) },
		Watch: func(e journal.Event) {
			switch e.Moment {
			case journal.Starting:
				r.step = e.Step
			case journal.Recorded, journal.Opened:
				if !r.h.o.lean || !slices.Contains(apart, e.Step) {
					panic(cutHere{}) // the next step knows nothing but the disk
				}
			case journal.Worked:
				if e.Step == journal.CrossName {
					r.befall("before crossing", []string{"on"})
					r.saw("on")
				}
			}
		},
	}
	run, err := c.Carry(context.Background())
	if err == nil && run.Outcome == journal.Done {
		if r.choose("bury", []string{"buried", "cut before"}, map[string]standing{"cut before": r.cut(r.drawer.now)}) == "buried" {
			r.s.buried = true
		}
	}
}

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
			s.Do = nothing
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
	r.s.sealed = min(r.manifest()+1, 2)
	r.h.lay(r.s)
	for name, v := range r.h.seals[r.s.sealed] {
		r.h.must(n.Keep(name, v))
	}
	return nil
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

// befall lets others act before the process goes on: who brings something, a copy
// that arrives. The process hears nothing of it; it finds it in its journal.
func (r *running) befall(label string, own []string) string {
	for {
		what := r.choose(label, append(own, r.others()...))
		if !strings.Contains(what, ":") {
			return what
		}
		before := r.history
		r.saw("meanwhile %s", what)
		r.befalls(what)
		r.history = before
		if run := r.drawer.now.run(); !run.Crossed && r.drawer.now["run\x00cancel"] != "" {
			if r.step != "" && r.ctx != context.Background() {
				<-r.ctx.Done() // the Carrier has heard of it
			}
		}
	}
}

var errCutOff = errors.New("the line is cut")

func refusal(a deskAnswer) string { return fmt.Sprintf("%d %s", a.Code, envelope.ID(a.Err)) }
