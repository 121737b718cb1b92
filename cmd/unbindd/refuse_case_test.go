package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/local"
)

// A second order while one runs is refused, over the link, by hand, and at the
// desk; the first one ends as it should.
func TestASecondOrderWhileOneRunsIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{sales: 20, noTicket: true})
	w.startDaemon()
	w.traded(20)
	second := w.draft()
	first := w.draft()
	w.publish(w.keep("first.json", w.order(first)))
	w.until("waiting for the ticket", waitsToDeliver)
	w.refuses(w.order(second), "E19")
	w.toolRefuses(w.keep("second.json", w.order(second)), "E19")
	if out, problems, code := call(t, "unbind-desk", "publish", "--dir", w.path("desk"), w.path("second.json")); code == 0 {
		t.Errorf("the desk publishes a second order: %s%s", out, problems)
	}
	if o := w.load(w.path("first.json")); o.Outcome != "known" { // the same one again is no second one
		t.Errorf("the running order is %s %s", o.Outcome, told(o))
	}
	s := w.until("still the first", waitsToDeliver)
	if s.Case.Case != string(first.Case) {
		t.Errorf("case %s runs, it was %s", s.Case.Case, first.Case)
	}
	w.startTickets()
	w.unbound()
	w.proves(20)
	text, err := os.ReadFile(w.path("second.json"))
	if err != nil {
		t.Fatal(err)
	}
	w.refuses(text, "E28:not-bound")
}

// A cancel before the line takes the order back, over the link and by the tool,
// with a signed answer; a cancel that nobody may sign, or for something else,
// does not.
func TestACancelBeforeTheLine(t *testing.T) {
	for name, hand := range map[string]func(w *world, path string){
		"published": func(w *world, path string) { w.publish(path) },
		"by the tool": func(w *world, path string) {
			if out, problems, code := w.tool("cancel", path); code != 0 {
				w.t.Errorf("unbindctl cancel ends with %d\n%s%s", code, out, problems)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, options{sales: 20, noTicket: true})
			w.startDaemon()
			w.traded(20)
			order := w.sign(w.issue(), "ops-1", "sec-1")
			w.publish(order)
			s := w.until("waiting for the ticket", waitsToDeliver)
			right := command.Cancel{Case: envelope.ID(s.Case.Case), Command: envelope.Digest(s.Case.Command), Terminal: terminalID, V: 1}
			for _, c := range []struct {
				code   string
				holder string
				bend   func(*command.Cancel)
			}{
				{"E05:missing-role", "sec-1", func(*command.Cancel) {}},
				{"E09:terminal", "ops-1", func(c *command.Cancel) { c.Terminal = "T-30041878" }},
				{"E28:case", "ops-1", func(c *command.Cancel) { c.Case = "C-2020-000001" }},
				{"E28:command", "ops-1", func(c *command.Cancel) { c.Command = envelope.DigestOf([]byte("another")) }},
			} {
				bad := right
				c.bend(&bad)
				w.refuses(w.sealed("cancel", bad, c.holder), c.code)
			}
			w.until("still waiting", waitsToDeliver)
			hand(w, w.sign(w.cancelFile(), "ops-1"))
			w.until("cancelled", cancelled)
			w.nothingErased()
			w.sells()
			if name == "published" {
				w.answered(w.caseID(), command.Cancelled, command.CodeNone)
			}
			w.toolRefuses(order, "E11:id")
			w.startTickets()
			if name == "published" { // the desk knows that the case has ended
				w.issueAnew()
				w.completes(21)
			}
		})
	}
}

// A cancel after the line is refused, with a signed answer, and the case ends as
// if it had never come.
func TestACancelAfterTheLineIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{sales: 20})
	w.startDaemon("erase-keys:starting")
	w.traded(20)
	w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
	w.daemon.sign("paused ")
	cancel := w.sign(w.cancelFile(), "ops-1")
	for _, lang := range []string{"en", "zh"} {
		if _, problems, code := w.tool("--lang", lang, "cancel", cancel); code != 6 {
			t.Errorf("unbindctl cancel ends with %d:\n%s", code, problems)
		}
	}
	w.toolRefuses(cancel, "E23")
	w.publish(cancel)
	w.answered(w.caseID(), command.Refused, "E23")
	w.daemon.kill()
	w.startDaemon()
	w.unbound()
	w.proves(20)
}

// An open batch ends the order. The exact exception lets it go on and stands in
// the certificate; one cent or one sale more is another sum.
func TestAnOpenBatchNeedsItsExactException(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	w.startDaemon()
	w.until("a ledger", func(s local.Status) bool { return s.Ledger != nil })
	w.sells()
	w.sells() // twice 12.50
	for _, exception := range []string{"", "CNY:2:2501", "CNY:2:2499", "CNY:3:2500", "USD:2:2500"} {
		args := []string{}
		if exception != "" {
			args = []string{"--exception", exception}
		}
		w.publish(w.sign(w.issueAnew(args...), "ops-1", "sec-1"))
		w.until("undone", func(s local.Status) bool { return undone(s) && s.Case.Case == w.caseID() })
		w.fails("E22:unsettled")
		w.answered(w.caseID(), command.Undone, "E22:unsettled")
	}
	w.publish(w.sign(w.issueAnew("--exception", "CNY:2:2500"), "ops-1", "sec-1"))
	w.unbound()
	w.proves(2)
	var order command.Command
	var s certificate.Statement
	digest := payload(t, w.path("case-"+w.caseID(), "command.json"), &order)
	payload(t, w.path("case-"+w.caseID(), "certificate.json"), &s)
	open := []certificate.OpenSum{{Amount: 2500, Count: 2, Currency: "CNY"}}
	if got := s.Predicate.Settlement; fmt.Sprint(got.Open) != fmt.Sprint(open) || got.Exception != digest {
		t.Errorf("the certificate says of the settlement: %+v", got)
	}
}

// Two daemons on one state directory: the second ends at once with one clear
// sentence, whatever socket it wants, and the first does not notice.
func TestTwoDaemonsOnOneStateDirectory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{sales: 20})
	w.startDaemon()
	w.traded(20)
	before := w.until("a trusted clock", trusted)
	const want = "unbindd: cannot lock the state directory: another daemon runs on this state directory\nNext: "
	for _, socket := range []string{w.socket(), w.path("s2")} {
		_, problems, code := call(t, "unbindd", "run", "--config", w.path("unbindd.yaml"), "--set", "socket="+socket)
		if code != 3 || !strings.HasPrefix(problems, want) {
			t.Errorf("the second daemon ends with %d:\n%s", code, problems)
		}
	}
	if exists(w.path("s2")) {
		t.Error("the second daemon made its socket")
	}
	w.untouched(before)
	w.issue()
	w.completes(21)
	// The tombstone is all that is left: the directory still belongs to the first.
	if _, problems, code := call(t, "unbindd", "run", "--config", w.path("unbindd.yaml")); code != 3 || !strings.HasPrefix(problems, want) {
		t.Errorf("a second daemon beside the tombstone ends with %d:\n%s", code, problems)
	}
	if left, err := filepath.Glob(filepath.Join(w.state(), "*")); err != nil || len(left) != 2 { // and the receipt for it
		t.Errorf("left in the state directory: %v %v", left, err)
	}
}
