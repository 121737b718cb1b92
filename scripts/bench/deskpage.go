package main

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"unbindd/scripts/fleet"
)

// judge ends everything and writes the page's part.
func (d *desking) judge() error {
	if err := errors.Join(d.office.Stop(), d.reference.stop(), d.raw.close()); err != nil {
		return err
	}
	d.b.page.add(d.paths())
	d.b.page.add(d.beside())
	d.b.say("load average at the end: %s", fleet.Load())
	d.b.page.machine = append(d.b.page.machine, []string{"load average at the end", fleet.Load()},
		[]string{"took", time.Since(d.b.began).Round(time.Second).String()})
	return nil
}

// paths is what each of the three took.
func (d *desking) paths() table {
	t := table{
		title: "The whole path of a certificate",
		intro: fmt.Sprintf("One PUT a terminal over its own kept connection (mutual TLS 1.3): the envelope is read, its signatures and the reader's verified, compared\n"+
			"with the case, made durable with its leaf of the log, its receipt and its history in one transaction, and the signed receipt with the\n"+
			"proof of the log comes back. %d rounds, the three taking turns, each certificate put to the desk and to the reference path. The\n"+
			"*reference path* is what the facts measured, built again: mutual TLS 1.3, one Ed25519 verification, bbolt `Batch` of case, receipt and\n"+
			"leaf, one signature. *Raw bbolt* writes, without any network, the %d rows (%s) that one certificate of ours writes, under `Batch`.\n"+
			"Before a round its terminals shake hands with both and accept their commands; that is not timed, and their connections stay open.",
			deskRounds, len(d.rows), bytesOf(d.rows)),
		head: []string{"workers", "", "calls a round", "certificates/s", "per core", "p50", "p99", "processor, ms each"},
	}
	cores := float64(runtime.NumCPU())
	for l, load := range deskLoads {
		for who, name := range paths {
			took := d.took[who][l]
			t.rows = append(t.rows, []string{
				fmt.Sprint(load.workers), name, thousands(load.calls), took["rate"].told(whole), whole(took["rate"].median() / cores),
				took["p50"].told(seconds), took["p99"].told(seconds), took["cpu"].of(1000).told(times),
			})
		}
	}
	return t
}

// beside holds the desk against the facts, and says where it falls short.
func (d *desking) beside() table {
	cores := float64(runtime.NumCPU())
	t := table{
		title: "Beside the facts",
		intro: fmt.Sprintf("Promised: at least %.1f times the facts' figure per core, of the median round. It is taken in the facts' way: client and desk on one\n"+
			"machine and on the same cores (theirs had %d), so many workers at once, certificates by the time from the first call to the last answer,\n"+
			"divided by every core the system has; nothing is subtracted for the client. Handshakes are in neither figure: the facts count those\n"+
			"apart, and fewer a second than certificates. Ours does more for each: the reader's signature, the log with its proof, the case and its\n"+
			"history.", deskPromise, factsCores),
		head: []string{"workers", "facts, per core", "ours, per core", "ours / facts", "ours / reference path, same run", "ours / raw bbolt, same run"},
	}
	for l, load := range deskLoads {
		ours, facts := d.took[ofDesk][l]["rate"].of(1/cores), load.facts/factsCores
		ratio := ours.of(1 / facts)
		t.rows = append(t.rows, []string{
			fmt.Sprint(load.workers), whole(facts), ours.told(whole), ratio.told(times),
			d.took[ofDesk][l]["rate"].over(d.took[ofReference][l]["rate"]).told(times), d.took[ofDesk][l]["rate"].over(d.took[ofRaw][l]["rate"]).told(times),
		})
		if ratio.median() < deskPromise {
			err := fmt.Errorf("at %d workers the desk reaches %.2f times the facts' figure per core", load.workers, ratio.median())
			d.b.page.broken = errors.Join(d.b.page.broken, err)
			t.after += "\n**Missed:** " + err.Error() + "."
		} else if n := ratio.below(deskPromise); n > 0 {
			t.after += fmt.Sprintf("\nAt %d workers %d of %d rounds fall below %.1f.", load.workers, n, len(ratio), deskPromise)
		}
	}
	return t
}
