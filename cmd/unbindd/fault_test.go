package main

import (
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"unbindd/agent/certificate"
	"unbindd/agent/envelope"
	"unbindd/agent/local"
	"unbindd/agent/trust"
)

// A reader that refuses, erases by half or lies after the point of no return:
// never success. The host's erasure goes on, the certificate is partial and
// names the next action, and the desk has it.
func TestReaderFaultsAfterTheLine(t *testing.T) {
	for fault, outcome := range map[string]string{
		"refuses": "refused", "half": "incomplete", "lies-hides-from-list": "incomplete", "lies-keeps": "incomplete",
		"lies-until-reboot": "unverified",
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, options{sales: 20})
			w.startDaemon()
			w.traded(20)
			w.ask("fault", fault)
			w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
			w.quarantined(outcome)
			w.closeBySignature()
			if s := w.unbound(); s.Tombstone.Result != certificate.Partial {
				t.Errorf("the tombstone says %s", s.Tombstone.Result)
			}
		})
	}
}

// A reader that goes silent, or comes back with another serial number, after
// the point of no return leaves its step open; when the bound one is back, a
// second certificate closes the case.
func TestReaderAwayAfterTheLineAndBack(t *testing.T) {
	for fault, outcome := range map[string]string{"silent": "missing", "foreign=PED-0009": "foreign"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, options{sales: 20})
			w.startDaemon("erase-reader-keys:starting")
			w.traded(20)
			w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
			w.daemon.sign("paused ")
			w.daemon.kill()
			w.ask("fault", fault)
			w.startDaemon()
			w.quarantined(outcome)
			w.ask("clear-faults")
			w.ask("reboot")
			if s := w.unbound(); s.Tombstone.Result != certificate.Complete {
				t.Errorf("the tombstone says %s", s.Tombstone.Result)
			}
			s := w.certificate()
			if s.Predicate.N != 2 || s.Predicate.Supersedes == "" || s.Predicate.Reader.Outcome != "erased" {
				t.Errorf("certificate %d supersedes %q, reader %s", s.Predicate.N, s.Predicate.Supersedes, s.Predicate.Reader.Outcome)
			}
			w.erasedOnce()
		})
	}
}

// A foreign reader before the line ends the command; nothing was erased, and the
// terminal trades again when its own reader is back.
func TestForeignReaderBeforeTheLineUndoes(t *testing.T) {
	for _, at := range []string{"inspect:starting", "deliver-backup:recorded"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, options{sales: 20})
			w.startDaemon(at)
			w.traded(20)
			w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
			w.daemon.sign("paused ")
			w.daemon.kill()
			w.ask("fault", "foreign=PED-0009")
			w.startDaemon()
			s := w.until("the undoing", undone)
			if s.Case.Problem == nil || s.Case.Problem.Code != "E21" {
				t.Errorf("undone over %+v", s.Case.Problem)
			}
			w.ask("clear-faults")
			w.tradesAgain(20)
		})
	}
}

// A silent reader before the line is waited for; it comes back, and the case
// goes on.
func TestSilentReaderBeforeTheLineIsWaitedFor(t *testing.T) {
	w := newWorld(t, options{sales: 20})
	w.startDaemon("inspect:starting")
	w.traded(20)
	w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
	w.daemon.sign("paused ")
	w.daemon.kill()
	w.ask("fault", "silent")
	w.startDaemon()
	w.until("the wait for the reader", func(s local.Status) bool {
		return s.Case != nil && strings.Contains(s.Case.Waiting, "reader")
	})
	w.ask("clear-faults")
	w.unbound()
	w.provesComplete(20)
}

// tradesAgain makes one more sale and waits until it is in the ledger.
func (w *world) tradesAgain(before int) {
	w.t.Helper()
	w.until("trading", func(s local.Status) bool { return s.Mode == local.Trading && s.Reader.State == "ready" })
	for {
		// The thaw reaches the reader with the next conversation; until then it
		// says no, which is the sign to ask again.
		if _, _, code := call(w.t, "readersim", "control", "--socket", w.path("r"), "sale", "1250", "CNY"); code == 0 {
			break
		}
		w.until("the thaw", func(local.Status) bool { return !strings.Contains(w.ask("state"), `"frozen":true`) })
	}
	w.traded(before + 1)
}

// quarantined waits until the partial certificate is receipted, and checks what
// it says.
func (w *world) quarantined(outcome string) {
	w.t.Helper()
	st := w.until("quarantine", func(s local.Status) bool { return s.Case != nil && s.Case.Quarantine && s.Case.Receipted })
	if st.Log == nil || st.Log.Size == 0 || len(st.Warnings) > 0 {
		w.t.Errorf("of the desk's log is kept %+v, and it warns of %v", st.Log, st.Warnings)
	}
	for _, step := range st.Case.Steps {
		if step.Name == "erase-reader-keys" && step.State != local.Open && outcome != "unverified" {
			w.t.Errorf("the reader's step is %s", step.State)
		}
	}
	s := w.certificate()
	if p := s.Predicate; p.Result != certificate.Partial || p.Reader.Outcome != outcome || p.Next == "" {
		w.t.Errorf("the certificate says %s, reader %s, next %q", p.Result, p.Reader.Outcome, p.Next)
	}
	for _, gone := range []string{"ledger/seg-00000001.db", "spool/sealed-1"} {
		if exists(filepath.Join(w.state(), gone)) {
			w.t.Errorf("%s is still there", gone)
		}
	}
	w.onlyTheInventory()
}

// certificate is the newest one the desk has.
func (w *world) certificate() certificate.Statement {
	w.t.Helper()
	out, err := os.MkdirTemp(w.dir, "export")
	if err != nil {
		w.t.Fatal(err)
	}
	out = filepath.Join(out, "case")
	must(w.t, "unbind-desk", "cases", "export", w.caseID(), "--dir", w.path("desk"), "--out", out)
	var s certificate.Statement
	payload(w.t, filepath.Join(out, "certificate.json"), &s)
	return s
}

// closeBySignature ends a case in quarantine by a close of three people.
func (w *world) closeBySignature() {
	w.t.Helper()
	path := w.path("close.json")
	must(w.t, "unbind-desk", "issue", "close", "--dir", w.path("desk"), "--case", w.caseID(), "--out", path)
	w.publish(w.sign(path, "ops-1", "sec-1", "rel-1"))
}

// A tamper event after the line does not stop the erase: it is named in the
// certificate, because the backup does not have it.
func TestAnEventAfterTheLineIsNamed(t *testing.T) {
	w := newWorld(t, options{sales: 20})
	w.startDaemon("erase-reader-keys:committing")
	w.traded(20)
	w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
	w.daemon.sign("paused ")
	w.daemon.kill()
	w.ask("tamper")
	w.startDaemon()
	w.unbound()
	if s := w.certificate(); !strings.Contains(s.Predicate.Reader.Detail, "events after the backup") || s.Predicate.Result != certificate.Complete {
		t.Errorf("%s: %s", s.Predicate.Result, s.Predicate.Reader.Detail)
	}
}

// A reader that is dead from the beginning: an amendment by three people lets
// the case go on without it. Nothing is called complete; an amendment that the
// partial certificate may stand, or a close, ends it.
func TestReaderAbsentByAmendment(t *testing.T) {
	for _, end := range []string{"close-partial", "close"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, options{sales: 20, noTicket: true})
			w.startDaemon()
			w.traded(20)
			w.unplugForGood()
			w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
			w.until("the wait for the reader", func(s local.Status) bool {
				return s.Case != nil && strings.Contains(s.Case.Waiting, "reader")
			})
			allow := []string{"--allow", "reader-absent"}
			if end == "close-partial" {
				allow = append(allow, "--allow", "close-partial")
			}
			w.amend(allow...)
			if end == "close" {
				w.quarantined("missing")
				w.closeBySignature()
			}
			if s := w.unbound(); s.Tombstone.Result != certificate.Partial {
				t.Errorf("the tombstone says %s", s.Tombstone.Result)
			}
			if p := w.certificate().Predicate; p.Reader.Outcome != "missing" || len(p.Amendments) != 1 || p.Receipt.Kind != "receipt" {
				t.Errorf("reader %s, %d amendments, on a %s", p.Reader.Outcome, len(p.Amendments), p.Receipt.Kind)
			}
		})
	}
}

// An approver revoked in the middle of a case has not signed: the case is
// undone, and the terminal trades on.
func TestAnApproverRevokedMidwayUndoes(t *testing.T) {
	w := newWorld(t, options{sales: 20, noTicket: true})
	w.startDaemon()
	w.traded(20)
	w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
	w.until("the wait for the ticket", func(s local.Status) bool {
		return s.Case != nil && strings.Contains(s.Case.Waiting, "ticket")
	})
	w.revoke("ops-1")
	s := w.until("the undoing", undone)
	if s.Case.Problem == nil || s.Case.Problem.Code != "E05:revoked-key" {
		t.Errorf("undone over %+v", s.Case.Problem)
	}
	w.tradesAgain(20)
}

// unplugForGood kills the reader and takes its link away: the kernel gives the
// number of its pty to whoever asks next, and that may be another test's reader.
func (w *world) unplugForGood() {
	w.t.Helper()
	w.reader.kill()
	if err := os.Remove(w.path("tty")); err != nil && !errors.Is(err, os.ErrNotExist) {
		w.t.Fatal(err)
	}
}

func (w *world) amend(allow ...string) {
	w.t.Helper()
	path := w.path("amend-" + strings.Join(allow, "") + ".json")
	must(w.t, "unbind-desk", append([]string{"issue", "amend", "--dir", w.path("desk"), "--case", w.caseID(), "--out", path}, allow...)...)
	w.publish(w.sign(path, "ops-1", "sec-1", "rel-1"))
}

// revoke takes a holder's key out of trust: the next bundle, signed by the
// three roots, at the desk and on the terminal.
func (w *world) revoke(holder string) {
	w.t.Helper()
	pub, ok := w.key(holder).Public().(ed25519.PublicKey)
	if !ok {
		w.t.Fatalf("%s is no ed25519 key", holder)
	}
	b := w.bundleNow()
	b.Version++
	b.Revoked = []envelope.KeyID{envelope.PublicKey{Alg: envelope.Ed25519, Pub: pub}.ID()}
	next := w.sealed(trust.Kind, b, roots...)
	w.publish(w.keep("trust-2.json", next))
	w.until("trust version 2", func(s local.Status) bool { return s.Trust == 2 })
}
