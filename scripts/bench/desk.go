package main

import (
	"fmt"
	"os"
	"path/filepath"

	"unbindd/scripts/fleet"
)

// deskLoad is one way of asking: so many workers at once, so many certificates a
// round, and what the reference path reached in the facts on two shared cores. A round
// of all three paths takes seconds, not parts of one; one worker waits for the disk
// most of the time, and needs fewer calls for it.
type deskLoad struct {
	workers, calls int
	facts          float64
}

var deskLoads = []deskLoad{{1, 500, 210}, {16, 3000, 1582}, {128, 3000, 1917}}

const (
	deskRounds = 5
	factsCores = 2
	// connecting is how many shake hands at once, before a round is timed.
	connecting = 32
	// deskPromise is how many times the facts' figure per core the desk must reach.
	deskPromise = 1.0
)

// desking is a desk, the reference path beside it, and raw bbolt.
type desking struct {
	b         *bench
	office    *fleet.Office
	terminals []*fleet.Terminal
	reference *process
	refAddr   string
	rows      []rawRow
	raw       *rawBase

	took [3][]map[string]sample // of desk, reference, raw: by load, by figure
}

const (
	ofDesk = iota
	ofReference
	ofRaw
)

var paths = [...]string{"unbind-desk", "reference path", "raw bbolt `Batch`"}

// desks is what make bench-desk takes.
func (b *bench) desks() []measurement {
	d := &desking{b: b}
	all := []measurement{
		{"build the programs", b.build},
		{"describe the machine", b.describe},
		{"found a desk", d.found},
		{fmt.Sprintf("enrol %s terminals, publish their commands", thousands(d.wanted())), d.prepare},
		{"look at what one certificate writes", d.template},
		{"start the reference path", d.begin},
	}
	for round := range deskRounds {
		for i, l := range deskLoads {
			all = append(all, measurement{fmt.Sprintf("round %d of %d, %d workers", round+1, deskRounds, l.workers), func() error { return d.round(round, i) }})
		}
	}
	return append(all, measurement{"check every receipt", d.check}, measurement{"end and judge", d.judge})
}

// wanted is how many terminals a run needs: a certificate is put once.
func (d *desking) wanted() int {
	n := 1 // whose certificate is the template
	for _, l := range deskLoads {
		n += l.calls * deskRounds
	}
	return n
}

// most is how many terminals are connected at once.
func (d *desking) most() (n int) {
	for _, l := range deskLoads {
		n = max(n, l.calls)
	}
	return n
}

func (d *desking) found() (err error) {
	if err := fleet.Raise(2 * d.most()); err != nil {
		return err
	}
	if d.office, err = fleet.Found(d.b.ctx, d.b.program("unbind-desk"), filepath.Join(d.b.sockets, "desk")); err != nil {
		return err
	}
	for i := range d.took {
		d.took[i] = make([]map[string]sample, len(deskLoads))
		for l := range deskLoads {
			d.took[i][l] = map[string]sample{}
		}
	}
	return d.office.Start(d.b.ctx)
}

func (d *desking) prepare() (err error) {
	if d.terminals, _, err = d.office.Enlist(d.b.ctx, 1, d.wanted()); err != nil {
		return err
	}
	if _, err = d.office.Order(d.b.ctx, d.terminals); err != nil {
		return err
	}
	if _, err := d.office.Connect(d.b.ctx, d.terminals[:1], 1); err != nil {
		return err
	}
	return d.terminals[0].Deliver()
}

// begin starts the reference path with the desk's certificates.
func (d *desking) begin() (err error) {
	d.reference, d.refAddr, err = d.b.start(d.b.work, "ready ", os.Args[0], "-act", "reference", "-in", d.office.Dir)
	return err
}

// connect opens a kept connection to the desk and one to the reference path for
// each terminal of a round, and has each accept its command: neither is timed. What
// stands under its case was verified then, as it is in any unbinding.
func (d *desking) connect(some []*fleet.Terminal) error {
	if _, err := d.office.Connect(d.b.ctx, some, connecting); err != nil {
		return err
	}
	if _, err := fleet.Crowd(d.b.ctx, connecting, some, (*fleet.Terminal).Accept); err != nil {
		return err
	}
	_, err := fleet.Crowd(d.b.ctx, connecting, some, func(t *fleet.Terminal) error { return t.ConnectBeside(d.b.ctx, d.refAddr) })
	return err
}

// round times the three after each other, beginning with another one each time.
func (d *desking) round(round, load int) error {
	l := deskLoads[load]
	at := 1 + round*l.calls
	for _, before := range deskLoads[:load] {
		at += before.calls * deskRounds
	}
	some := d.terminals[at : at+l.calls]
	if err := d.connect(some); err != nil {
		return err
	}
	defer fleet.HangUp(some)
	for i := range paths {
		who := (i + round) % len(paths)
		pid, do := d.office.PID(), (*fleet.Terminal).Deliver
		switch who {
		case ofReference:
			pid, do = d.reference.pid(), (*fleet.Terminal).DeliverBeside
		case ofRaw:
			pid, do = os.Getpid(), func(*fleet.Terminal) error { return d.raw.write() }
		}
		before, err := used(pid)
		if err != nil {
			return err
		}
		pace, err := fleet.Crowd(d.b.ctx, l.workers, some, do)
		if err != nil {
			return fmt.Errorf("%s: %w", paths[who], err)
		}
		after, err := used(pid)
		if err != nil {
			return err
		}
		took := d.took[who][load]
		took["rate"] = append(took["rate"], pace.PerSecond())
		took["p50"] = append(took["p50"], pace.P50.Seconds())
		took["p99"] = append(took["p99"], pace.P99.Seconds())
		took["cpu"] = append(took["cpu"], (after-before).Seconds()/float64(l.calls))
	}
	return nil
}

func (d *desking) check() error {
	for _, t := range d.terminals {
		if err := t.Check(); err != nil {
			return err
		}
	}
	return nil
}
