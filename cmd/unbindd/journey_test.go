package main

import (
	"os"
	"strings"
	"testing"
)

// The main journey: trade, a command by two people over the link, backup,
// receipt, ticket, erase, certificate, receipt, last key, tombstone.
func TestTheMainJourney(t *testing.T) {
	w := newWorld(t, options{sales: 50})
	if mode := w.startDaemon(); mode != "trading" {
		t.Fatalf("the daemon begins %s", mode)
	}
	w.traded(50)
	w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
	s := w.unbound()
	if s.Tombstone == nil || s.Tombstone.Result != "complete" || !s.Tombstone.Revealed {
		t.Errorf("tombstone %+v", s.Tombstone)
	}
	w.provesComplete(50)
	w.daemon.stop()
	if mode := w.startDaemon(); mode != "unbound" {
		t.Errorf("after the end the daemon begins %s", mode)
	}
}

// provesComplete checks the whole case from outside the terminal: the desk's
// export verifies, the reader was erased once, and nothing but the tombstone is
// left in the state directory.
func (w *world) provesComplete(sales int) {
	w.t.Helper()
	out := w.path("case")
	must(w.t, "unbind-desk", "cases", "export", w.caseID(), "--dir", w.path("desk"), "--out", out)
	must(w.t, "unbind-desk", "verify", out, "--identity", w.path("desk", "keys", "recipient.key"))
	left, err := os.ReadDir(w.state())
	if err != nil {
		w.t.Fatal(err)
	}
	var names []string
	for _, e := range left {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != "tombstone.json" {
		w.t.Errorf("left in the state directory: %s", got)
	}
}
