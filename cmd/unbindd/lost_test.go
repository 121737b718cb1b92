package main

import (
	"slices"
	"strings"
	"testing"

	"unbindd/agent/certificate"
	"unbindd/agent/local"
)

// Events that the reader lost while it was away hold the unbinding up, though the
// terminal trades on, until three people sign that it may go on; the certificate
// says how many.
func TestLostEventsNeedTheirSignedWord(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{sales: 5})
	w.startDaemon()
	w.traded(5)
	w.until("the batch close", func(s local.Status) bool { return s.Ledger.Events == 1 })
	w.until("nothing held", func(local.Status) bool { return strings.Contains(w.ask("state"), `"held":0`) })
	w.ask("unplug")
	w.ask("sale", "100", "CNY")
	w.ask("sale", "200", "CNY")
	w.ask("lose", "2")
	w.ask("sale", "300", "CNY")
	w.ask("plug")
	w.traded(6)
	w.settles()
	w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
	w.until("waiting over the loss", func(s local.Status) bool {
		return s.Case != nil && s.Case.Problem != nil && s.Case.Problem.Code == "E22:events-lost"
	})
	w.nothingErased()
	w.amend("--allow", "events-lost", "--lost", "1")                 // not what the ledger says
	w.until("its answer is at the desk", func(s local.Status) bool { // which makes the case another version
		return strings.Contains(w.daemon.said(), `"kind":"amend"`) && s.Outbox == 0
	})
	w.nothingErased()
	w.amend("--allow", "events-lost", "--lost", "2")
	w.unbound()
	gate := w.certificate().Predicate.Gate
	i := slices.IndexFunc(gate, func(c certificate.Check) bool { return c.Check == "events" })
	if i < 0 || !strings.Contains(gate[i].Detail, "2 were lost by the reader") {
		t.Errorf("the gate says %+v", gate)
	}
}
