package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"unbindd/scripts/fleet"
)

// deskLoad is one way of asking: so many workers at once, so many certificates a
// round, and what the reference path reached in the facts on two shared cores.
type deskLoad struct {
	workers, calls int
	facts          float64
}

var deskLoads = []deskLoad{{1, 60, 210}, {16, 600, 1582}, {128, 900, 1917}}

const (
	deskRounds = 3
	factsCores = 2
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
		{"connect them all, twice", d.connect},
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

func (d *desking) found() (err error) {
	if err := fleet.Raise(2 * d.wanted()); err != nil {
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

// connect opens a kept connection to the desk and one to the reference path for
// each terminal, and has each accept its command: handshakes are not what is timed.
func (d *desking) connect() (err error) {
	if d.reference, d.refAddr, err = d.b.start(d.b.work, "ready ", os.Args[0], "-act", "reference", "-in", d.office.Dir); err != nil {
		return err
	}
	rest := d.terminals[1:]
	if _, err := d.office.Connect(d.b.ctx, rest, 32); err != nil {
		return err
	}
	if _, err := fleet.Crowd(d.b.ctx, 32, rest, (*fleet.Terminal).Accept); err != nil {
		return err
	}
	_, err = fleet.Crowd(d.b.ctx, 32, rest, func(t *fleet.Terminal) error { return t.ConnectBeside(d.b.ctx, d.refAddr) })
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

// judge ends everything and writes the page's part.
func (d *desking) judge() error {
	fleet.HangUp(d.terminals)
	if err := errors.Join(d.office.Stop(), d.reference.stop(), d.raw.close()); err != nil {
		return err
	}
	t := table{
		title: "The whole path of a certificate",
		intro: fmt.Sprintf("One PUT a terminal over its own kept connection (mutual TLS 1.3): the envelope is read, its signatures and the reader's verified, compared\n"+
			"with the case, made durable with its leaf of the log, its receipt and its history in one transaction, and the signed receipt with the\n"+
			"proof of the log comes back. %d rounds, the three taking turns. The *reference path* is what the facts measured, built again: mutual\n"+
			"TLS 1.3, one Ed25519 verification, bbolt `Batch` of case, receipt and leaf, one signature. *Raw bbolt* writes, without any network,\n"+
			"the %d rows (%s) that one certificate of ours writes, under `Batch`. Clients and servers share the processors.", deskRounds, len(d.rows), bytesOf(d.rows)),
		head: []string{"workers", "", "certificates/s", "per core", "p50", "p99", "processor, ms each"},
	}
	cores := float64(runtime.NumCPU())
	verdict := table{
		title: "Beside the facts",
		intro: fmt.Sprintf("Promised: at least %.1f times the facts' figure per core (theirs were taken on %d shared cores).", deskPromise, factsCores),
		head:  []string{"workers", "facts, per core", "ours, per core", "ours / facts", "ours / reference path, same run", "ours / raw bbolt, same run"},
	}
	for l, load := range deskLoads {
		for who, name := range paths {
			took := d.took[who][l]
			t.rows = append(t.rows, []string{
				fmt.Sprint(load.workers), name, took["rate"].told(whole), whole(took["rate"].median() / cores),
				took["p50"].told(seconds), took["p99"].told(seconds), times(took["cpu"].median() * 1000),
			})
		}
		ours := d.took[ofDesk][l]["rate"]
		ratio := (ours.median() / cores) / (load.facts / factsCores)
		verdict.rows = append(verdict.rows, []string{
			fmt.Sprint(load.workers), whole(load.facts / factsCores), whole(ours.median() / cores), times(ratio),
			ours.over(d.took[ofReference][l]["rate"]).told(times), ours.over(d.took[ofRaw][l]["rate"]).told(times),
		})
		if ratio < deskPromise {
			err := fmt.Errorf("with %d workers the desk reaches %.2f times the facts' figure per core", load.workers, ratio)
			d.b.page.broken = errors.Join(d.b.page.broken, err)
			verdict.after += "\n**Missed:** " + err.Error() + "."
		}
	}
	d.b.page.add(t)
	d.b.page.add(verdict)
	d.b.say("load average at the end: %s", fleet.Load())
	d.b.page.machine = append(d.b.page.machine, []string{"load average at the end", fleet.Load()},
		[]string{"took", time.Since(d.b.began).Round(time.Second).String()})
	return nil
}
