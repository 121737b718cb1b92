package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"unbindd/agent/certificate"
	"unbindd/agent/local"
)

// With the gate "sealed", signed by a third person, the sealed file on a courier
// medium is enough: manifest and file lie there, read back, the ticket is made by
// hand from what the medium carries, and the certificate names the command as
// what stood where the receipt would.
func TestTheSealedFileOnACourierMediumIsEnough(t *testing.T) {
	w := newWorld(t, options{sales: 20, noTicket: true, courier: true})
	w.startDaemon()
	w.traded(20)
	order := w.sign(w.issue("--gate", "sealed"), "ops-1", "sec-1", "rel-1")
	if o := w.load(order); o.Outcome != "accepted" {
		t.Fatalf("%+v", o)
	}
	w.until("the wait for the ticket", func(s local.Status) bool {
		return s.Case != nil && strings.Contains(s.Case.Waiting, "ticket") && w.onMedium("backup-1.jsonl.zst.age") != ""
	})
	ticket := w.path("by-hand.json")
	must(t, "unbind-desk", "ticket", "--key", w.path("desk", "keys", "reader-1.pem"), "--trust", w.path("desk", "trust.json"), "--anchor", w.anchor(),
		"--command", order, "--manifest", w.onMedium("manifest-1.json"), "--binding", filepath.Join(w.state(), "trust", "binding.json"), "--out", ticket)
	if o := w.load(ticket); o.Outcome != "accepted" {
		t.Fatalf("%+v", o)
	}
	// The desk issued the command and has not seen it signed: the report waits for
	// somebody to hand it in there too.
	w.until("the wait for the desk", func(s local.Status) bool {
		return s.Case != nil && s.Case.Crossed && strings.Contains(s.Case.Waiting, "certificate")
	})
	w.publish(order)
	if s := w.unbound(); s.Tombstone.Result != certificate.Complete {
		t.Errorf("the tombstone says %s", s.Tombstone.Result)
	}
	if p := w.certificate().Predicate; p.Receipt.Kind != "command" || p.Reader.Outcome != "erased" {
		t.Errorf("allowed by a %s, reader %s", p.Receipt.Kind, p.Reader.Outcome)
	}
	must(t, "unbind-desk", "open", "--identity", w.path("desk", "keys", "recipient.key"), w.onMedium("backup-1.jsonl.zst.age"), "--totals")
	w.erasedOnce()
}

// onMedium finds a file of the case on the courier medium; "" while it is not there.
func (w *world) onMedium(name string) string {
	w.t.Helper()
	found, err := filepath.Glob(w.path("usb", "unbind", "*", "*", "out", name))
	if err != nil {
		w.t.Fatal(err)
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// plugMedium makes the folder that tells a medium from an empty mount point.
func (w *world) plugMedium() {
	w.t.Helper()
	if err := os.MkdirAll(w.path("usb", "unbind"), 0o700); err != nil {
		w.t.Fatal(err)
	}
}
