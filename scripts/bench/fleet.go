package main

import (
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	"unbindd/scripts/fleet"
)

// The facts' raw figures that a fleet stands beside.
const (
	factsDurable    = 1582.0 // certificates a second, 16 workers, two shared cores
	factsHandshakes = 895.0  // fresh TLS 1.3 handshakes with both certificates, a second, a request with each
	factsIdleLow    = 43.0   // KB an idle TLS connection, after a forced collection
	factsIdleHigh   = 55.0   // KB, as it stands
)

// idleWatch is how long ten thousand terminals wait while nothing happens.
const idleWatch = 12 * time.Second

// fleets is what make fleet takes.
func (b *bench) fleets() []measurement {
	return []measurement{
		{"build the programs", b.build},
		{"describe the machine", b.describe},
		{fmt.Sprintf("let %s terminals at one desk", thousands(b.terminals)), b.fleetRun},
	}
}

func (b *bench) fleetRun() error {
	s, err := fleet.Fleet(b.ctx, b.program("unbind-desk"), filepath.Join(b.sockets, "desk"), b.terminals, idleWatch, b.say)
	if err != nil {
		return err
	}
	b.page.machine = append(b.page.machine, []string{"load average at the end", fleet.Load()},
		[]string{"took", time.Since(b.began).Round(time.Second).String()})
	b.waitTable(s)
	b.deliverTable(s)
	b.auditTable(s)
	return nil
}

func (b *bench) waitTable(s fleet.Story) {
	n := float64(s.Idle.Waiting)
	kb := func(v int64) string { return fmt.Sprintf("%.1f KB", float64(v)/n/1000) }
	b.page.add(table{
		title: fmt.Sprintf("%s terminals come and wait", thousands(s.Terminals)),
		intro: "Real enrolments over mutual TLS 1.3, whole handshakes, one kept connection and one long poll a terminal. Memory is the difference of the\n" +
			"desk's process from before the first connection, nothing collected by force.",
		head: []string{"", "measured", "facts", "ours / facts"},
		rows: [][]string{
			{"admitted and enrolled (two durable changes each), a second", whole(s.Enlist.PerSecond()), "–", "–"},
			{"fresh handshakes with one request each, a second", whole(s.Idle.Handshakes), whole(factsHandshakes), times(s.Idle.Handshakes / factsHandshakes)},
			{"long polls waiting at once", whole(n), "–", "–"},
			{"resident memory for each", kb(s.Idle.RSS), fmt.Sprintf("%.0f–%.0f KB (plain idle connection)", factsIdleLow, factsIdleHigh), times(float64(s.Idle.RSS) / n / 1000 / factsIdleHigh)},
			{"of it anonymous", kb(s.Idle.Anon), "–", "–"},
			{"goroutines for each", times(float64(s.Idle.Goroutines) / n), "–", "–"},
			{fmt.Sprintf("processors in use while they all wait (%s)", idleWatch), times(s.Idle.CPU), "–", "–"},
		},
	})
}

func (b *bench) deliverTable(s fleet.Story) {
	t := table{
		title: "Their certificates",
		intro: fmt.Sprintf("Durable, receipted, in the log, with a proof: as in the part above. Of %d processors, shared with the terminals.", runtime.NumCPU()),
		head:  []string{"workers", "certificates", "a second", "p50", "p99", "ours / facts' 1,582", "load average"},
		rows:  [][]string{{"64, commands drafted, signed by three, published", thousands(s.Order.Calls), whole(s.Order.PerSecond()), seconds(s.Order.P50.Seconds()), seconds(s.Order.P99.Seconds()), "–", "–"}},
	}
	for _, d := range s.Deliver {
		t.rows = append(t.rows, []string{
			fmt.Sprint(d.Workers), thousands(d.Calls), whole(d.PerSecond()), seconds(d.P50.Seconds()), seconds(d.P99.Seconds()),
			times(d.PerSecond() / factsDurable), d.Load,
		})
	}
	b.page.add(t)
}

func (b *bench) auditTable(s fleet.Story) {
	b.page.add(table{
		title: "What was checked",
		intro: "The desk was killed (SIGKILL) while 128 workers delivered, and started again; who had no answer sent the same bytes once more. Any\ndeviation ends the run with an error and no page.",
		head:  []string{"", ""},
		rows: [][]string{
			{"receipted in that stretch before the kill", thousands(int(s.Killed.Receipted))},
			{"certificates that got no answer because of it, delivered afterwards", thousands(int(s.Killed.Unanswered))},
			{"desk ready again after", seconds(s.Killed.Back.Seconds())},
			{"cases acknowledged, each in the list once", thousands(s.Audit.Cases)},
			{"certificates and receipts in the store, once, by the digests that were acknowledged, each with a leaf of its own", thousands(s.Audit.Certificates)},
			{"receipts lost", "0"},
			{"desk.db, bytes a case (enrolment, command, answer, certificate, receipt, history, log)", thousands(int(s.Disk) / s.Terminals)},
			{"leaves proven to stand in the log (drawn)", thousands(s.Audit.Proofs)},
			{"log proven to have grown, leaves", fmt.Sprintf("%s → %s", thousands(int(s.Audit.From)), thousands(int(s.Audit.To)))},
		},
	})
}
