package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rs/zerolog"

	"unbindd/agent/envelope"
	"unbindd/agent/journal"
)

// standing is everything between two acts of the terminal's process: what lies on
// its disk, what the desk has, and what is on its way between them.
type standing struct {
	cells   cells
	sealed  int    // which sealed file lies in the spool; 0 none
	stone   string // the tombstone; "" none
	who     int    // the identity: whole, halfGone, gone
	buried  bool
	drawn   int // for which certificate the preimage on disk was drawn last; 0 the first
	desk    int
	net     []deskAsked // copies that still travel
	polled  string      // what the terminal took last of the desk's orders
	said    said
	hinders []string // what stands in a command's way
	mind    *mind    // what the process remembers; nil where it knows no more than a new one
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
type said struct{ Cancel, Sealed, Partial, Close, Late, Grown, Broken, Repoll, Back, Brought bool }

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
		r.s.cells, r.s.mind = r.drawer.now, r.minds()
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
	if s.cells, s.mind = now, nil; r.h.o.anew {
		s.polled = ""
	}
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
	r.minded()
	a.link = &modelLink{r}
	a.ways, a.walk = r.way, func() *carried { return nil }
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
	if r.h.o.ofApart(before, after) {
		r.disk = files{who: -1} // a cut before the next commit leads here, and nothing else does
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

// unrelated are the steps that take no part in the hand-shake. What they write, their own
// status and evidence, is read by nothing that others can do meanwhile, and they read
// nothing of what that writes; so in which order the two come makes no difference, and
// a lean search does them in one go. A cut in them leads back to their beginning: it is
// tried by the searches that are not lean. The reader's step is one of them only where no
// reader is repaired: that is offered where the step was left open, and decides how it ends.
var unrelated = []string{
	"check-papers", "inspect", "freeze", "settle", "drain", "await-successor",
	"erase-reader-keys", "erase-keys", "erase-data", "remove-software", "verify-erased",
}

// apart says whether a step is done in one go.
func (o shape) apart(step string) bool {
	return o.lean && slices.Contains(unrelated, step) && !(o.back && step == "erase-reader-keys")
}

// ofApart says whether a commit is about one of those steps.
func (o shape) ofApart(before, after cells) bool {
	return slices.ContainsFunc(unrelated, func(step string) bool {
		return o.apart(step) && before["steps\x00"+step] != after["steps\x00"+step]
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
				if !r.h.o.apart(e.Step) {
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
