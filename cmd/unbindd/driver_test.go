package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"unbindd/agent/certificate"
	"unbindd/agent/local"
)

// A reader that knows no tickets is erased at the terminal's word if its signed
// binding says so: listed, probed, restarted and probed again, and told as what
// it is, by our tools and by stock ones.
func TestAReaderWithoutTicketsIsErasedAndToldAsSuch(t *testing.T) {
	for name, o := range map[string]options{"named": {protocol: "mpos"}, "found by probing": {protocol: "mpos", driver: "auto"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, o)
			w.startDaemon()
			w.until("a ready reader", func(s local.Status) bool { return s.Reader.State == "ready" })
			w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
			w.unbound()
			r := w.certificate().Predicate.Reader
			if r.Outcome != "erased" || r.Authenticated || r.Record != nil || !slices.Equal(r.Unsupported, []string{"events", "freeze"}) {
				t.Errorf("the certificate says %+v", r)
			}
			if len(r.Slots) < 5 || !slices.ContainsFunc(r.Retained, func(k certificate.Retained) bool { return k.Type == "TLK" }) {
				t.Errorf("slots %+v, retained %+v", r.Slots, r.Retained)
			}
			if !strings.Contains(r.Detail, "it counts no starts") {
				t.Errorf("the detail is %q", r.Detail)
			}
			for _, s := range r.Slots {
				if s.After != "empty" {
					t.Errorf("slot %d is %s", s.Slot, s.After)
				}
			}
			for _, s := range w.readerState().Slots {
				if full := s.State != "empty"; full != s.Retained {
					t.Errorf("in the reader slot %x is %s, retained %v", s.Slot, s.State, s.Retained)
				}
			}
			w.onlyTheInventory()
			w.holdsOutside()
		})
	}
}

// holdsOutside has the newest case checked by our tool and by stock ones.
func (w *world) holdsOutside() {
	w.t.Helper()
	out := w.path("case-outside")
	must(w.t, "unbind-desk", "cases", "export", w.caseID(), "--dir", w.path("desk"), "--out", out)
	key := w.path("desk", "keys", "recipient.key")
	must(w.t, "unbind-desk", "verify", out, "--identity", key)
	check := exec.CommandContext(w.t.Context(), filepath.Join("..", "..", "scripts", "check-case.sh"), out, "--anchor", w.anchor(), "--identity", key)
	check.Env = os.Environ()
	if text, err := check.CombinedOutput(); err != nil {
		w.t.Errorf("stock tools: %v\n%s", err, text)
	}
}

// What such a reader says about its erase is worth what a list and a use of its
// keys show.
func TestAReaderWithoutTicketsIsNotBelieved(t *testing.T) {
	for fault, want := range map[string]string{
		"lies-keeps": "incomplete", "lies-hides-from-list": "incomplete", "half": "incomplete", "lies-until-reboot": "unverified",
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, options{protocol: "mpos"})
			w.startDaemon()
			w.until("a ready reader", func(s local.Status) bool { return s.Reader.State == "ready" })
			w.ask("fault", fault)
			w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
			w.quarantined(want)
			w.closeBySignature()
			w.unbound()
		})
	}
}

// A reader that cannot list, probe and erase is not tried and not passed over:
// the certificate is partial and says what must be done elsewhere.
func TestAReaderThatCannotEraseIsUnsupported(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{protocol: "ccid"})
	w.startDaemon()
	w.until("a ready reader", func(s local.Status) bool { return s.Reader.State == "ready" })
	w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
	w.quarantined("unsupported")
	p := w.certificate().Predicate
	for _, want := range []string{"list", "probe", "erase"} {
		if !slices.Contains(p.Reader.Unsupported, want) {
			t.Errorf("unsupported: %v", p.Reader.Unsupported)
		}
	}
	if !strings.Contains(p.Next, "retire the keys") {
		t.Errorf("the next action is %q", p.Next)
	}
	w.closeBySignature()
	w.unbound()
}

// The bound protocol counts: settings that name another one cannot make a reader
// that checks tickets into one that does not.
func TestSettingsCannotTakeTheTicketAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{sales: 5})
	w.setting("driver: pedlink", "driver: mpos")
	w.startDaemon()
	w.traded(5)
	w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
	w.unbound()
	w.proves(5)
	if r := w.certificate().Predicate.Reader; !r.Authenticated {
		t.Errorf("the certificate says %+v", r)
	}
}
