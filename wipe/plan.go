package wipe

import (
	"errors"
	"slices"

	"golang.org/x/sys/unix"
)

// Plan is what an Erase of a target would do, found out without changing
// anything. It may hold names of programs and is for people on the spot.
type Plan struct {
	Survey
	Probe   Probe    `json:"-"`
	Rungs   []string `json:"rungs"` // that would be climbed where everything goes well
	Holders []Holder `json:"-"`
}

// maxExamined is how many files of a target are opened to be looked at.
const maxExamined = 1000

// Plans looks at targets more closely than Dry: each file is opened to read
// its flags and where it lies, and all processes are asked, once, what they hold.
func Plans(sys Sys, targets []Target) []Plan {
	c, err := take(sys, targets)
	var all []Plan
	for i, t := range targets {
		all = append(all, planFor(sys, t, func() ([]Holder, error) {
			if err != nil {
				return nil, err
			}
			return c.of(sys, i, t)
		}, c.blind))
	}
	return all
}

// PlanFor is the plan of one target.
func PlanFor(sys Sys, t Target) Plan { return Plans(sys, []Target{t})[0] }

func planFor(sys Sys, t Target, holders func() ([]Holder, error), blind bool) Plan {
	p := Plan{Survey: Dry(sys, t), Rungs: []string{}}
	if p.Best == LevelNone {
		return p
	}
	x := examination{visit: visit{sys: sys, target: t}}
	x.visit.each = func(string, Stat) {}
	x.visit.file = x.look
	at, err := x.all()
	if err != nil {
		p.Blockers = append(p.Blockers, hindering(err))
		return p
	}
	for _, err := range x.troubles {
		p.Blockers = append(p.Blockers, hindering(err))
	}
	p.Probe = at.probe
	held, err := holders()
	if err != nil {
		p.Blockers = append(p.Blockers, hindering(err))
	}
	p.Holders = held
	at.probe.Nameless = slices.ContainsFunc(held, func(h Holder) bool { return h.Deleted })
	p.Probe.Nameless = at.probe.Nameless
	p.judge(t, x, blind)
	if b := &p.Probe; b.CanRaw && b.Admin {
		// A container's root has every right and is kept from the device all the same.
		if err := deviceOpens(sys, b.Block.Dev); err != nil {
			b.CanRaw, b.CanDiscard, b.CanZero = false, false, false
			p.Blockers = append(p.Blockers, Hindrance{Code: HindranceRaw, Detail: plain(err)})
		}
	}
	p.Rungs = foreseen(p.Probe, t.Depth)
	p.Blockers = ordered(p.Blockers)
	return p
}

// deviceOpens tells whether the device can be opened to be read; it is not read.
func deviceOpens(sys Sys, dev uint64) error {
	fd, err := sys.OpenBlock(dev, false)
	if err == nil {
		sys.Close(fd)
	}
	return err
}

// judge puts what was seen into words, and takes the level down for what an
// overwrite would not reach.
func (p *Plan) judge(t Target, x examination, blind bool) {
	say := func(n int, code string) {
		if n > 0 {
			p.Blockers = append(p.Blockers, Hindrance{Code: code, N: n})
		}
	}
	say(x.fixed, HindranceFixed)
	say(x.shared, HindranceShared)
	say(x.journalled, HindranceJournalled)
	say(x.closed, HindranceClosed)
	writers, nameless := 0, 0
	for _, h := range p.Holders {
		if h.Writes {
			writers++
		}
		if h.Deleted {
			nameless++
		}
	}
	say(len(p.Holders), HindranceHeld)
	say(writers, HindranceWriters)
	say(nameless, HindranceNameless)
	if blind {
		p.Blockers = append(p.Blockers, Hindrance{Code: HindranceBlind})
	}
	if b := p.Probe; b.Type == "ext4" && t.Depth.reaches(DepthBlocks) && !b.CanCheckpoint {
		why := "this process has no right to"
		if !b.Kernel.atLeast(5, 14) {
			why = "this kernel is older than 5.14"
		}
		p.Blockers = append(p.Blockers, Hindrance{Code: HindranceJournal, Detail: why})
	}
	if p.Probe.Bind {
		p.Blockers = append(p.Blockers, Hindrance{Code: HindrancePart})
	}
	if p.Probe.Layers != "" {
		p.Blockers = append(p.Blockers, Hindrance{Code: HindranceOverlay})
	}
	if x.shared > 0 || x.journalled > 0 || writers > 0 || nameless > 0 {
		p.Best = lower(p.Best, LevelLogical)
	}
	if p.Items > 0 && p.Best.Rank() < t.Requested.Rank() {
		p.Blockers = append(p.Blockers, tooLittle(p.Type, p.Best, t.Requested))
	}
}

// foreseen are the rungs that this place allows. Whether one is climbed in the
// end depends on each file; the technique in the evidence tells.
func foreseen(b Probe, depth Depth) []string {
	all := []string{}
	if depth.reaches(DepthBlocks) {
		if b.Type == "f2fs" {
			all = append(all, rungSecureTrim)
		}
		if b.CanDiscard {
			all = append(all, rungDiscard)
		}
	}
	all = append(all, rungOverwrite)
	if b.Nameless && b.Admin {
		all = append(all, rungHeld)
	}
	if b.CanRaw && b.Admin {
		all = append(all, rungMedium, rungNeedles)
		if depth.reaches(DepthBlocks) && b.CanZero {
			all = append(all, rungZeroOut)
		}
	}
	if depth.reaches(DepthBlocks) && b.CanCheckpoint {
		all = append(all, rungCheckpoint)
	}
	if depth.reaches(DepthMedium) && b.Type == "ext4" && !b.CanCheckpoint {
		all = append(all, rungChurn)
	}
	if depth.reaches(DepthMedium) && b.CanRaw && !(b.CanDiscard && b.Admin) {
		all = append(all, rungFill) // nobody takes free space back
	}
	if b.Type == "ext4" && !depth.reaches(DepthMedium) && !(depth.reaches(DepthBlocks) && b.CanCheckpoint) && b.CanRaw && b.Admin {
		all = append(all, rungSearch) // of the journal alone
	}
	if depth.reaches(DepthMedium) && b.Admin {
		if b.CanDiscard || !b.CanRaw {
			all = append(all, rungTrim)
		}
		if b.CanRaw && b.Type != "f2fs" {
			all = append(all, rungSearch)
		}
	}
	return all
}

// examination counts what is only seen from within a file.
type examination struct {
	visit
	seen, fixed, shared, journalled, closed int
	journal                                 *journal
}

func (x *examination) look(dir int, name string) {
	if x.seen++; x.seen > maxExamined {
		return
	}
	fd, err := x.sys.OpenPlain(dir, name)
	if err != nil {
		x.closed++
		return
	}
	defer x.sys.Close(fd)
	st, err := x.sys.Stat(fd)
	if err != nil || !st.is(unix.S_IFREG) {
		return
	}
	o := &opened{fd: fd, st: st}
	w := &work{sys: x.sys, target: x.target, place: x.place}
	flags, err := w.flags(fd)
	if err != nil {
		x.troubles = append(x.troubles, err)
		return
	}
	if o.flags = flags; flags&(flagImmutable|flagAppend) != 0 {
		x.fixed++
	}
	extents, err := w.extents(fd)
	if err != nil && !errors.Is(err, unix.EACCES) {
		x.troubles = append(x.troubles, err)
		return
	}
	o.before = extents
	if slices.ContainsFunc(extents, func(e Extent) bool { return e.Shared }) {
		x.shared++
	}
	j := x.ext4Journal()
	if w.inJournal(o) && (!w.emptiesJournal() || j.elsewhere) || j.inline && !w.emptiesJournal() {
		x.journalled++
	}
}

// ext4Journal asks the device once, opened to be read alone.
func (x *examination) ext4Journal() journal {
	if x.journal == nil {
		x.journal = new(journal)
		w := &work{sys: x.sys, place: x.place, block: -1}
		defer w.closeBlock()
		if x.place.fs.name == "ext4" && x.place.probe.CanRaw && w.openBlock() {
			*x.journal = w.ext4Journal()
		}
	}
	return *x.journal
}
