package main

import "testing"

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

// With the gate "none", signed by a third person, there is no backup: the
// command itself stands where the receipt would, and the certificate says so.
func TestGateNoneIsSignedForAndNamed(t *testing.T) {
	w := newWorld(t, options{sales: 20})
	w.startDaemon()
	w.traded(20)
	w.publish(w.sign(w.issue("--gate", "none"), "ops-1", "sec-1", "rel-1"))
	w.unbound()
	s := w.certificate()
	if s.Predicate.Receipt.Kind != "command" || s.Predicate.Receipt.Digest != s.Predicate.Command.Digest {
		t.Errorf("allowed by %s %s", s.Predicate.Receipt.Kind, s.Predicate.Receipt.Digest)
	}
	w.erasedOnce()
}
