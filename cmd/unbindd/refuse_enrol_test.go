package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/local"
)

// enrols runs the enrolment with a ticket and an anchor.
func (w *world) enrols(ticket, anchor string) (problems string, code int) {
	w.t.Helper()
	_, problems, code = call(w.t, "unbindd", "enrol", "--config", w.path("unbindd.yaml"), "--ticket", w.path(ticket), "--anchor", anchor)
	return problems, code
}

// A terminal that is bound is not enrolled again, and none is on another
// anchor's word than the one its people were told.
func TestAWrongEnrolmentChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{sales: 20})
	w.startDaemon()
	w.traded(20)
	before := w.until("trading", func(s local.Status) bool { return s.Mode == local.Trading })
	if problems, code := w.enrols("ticket.json", w.anchor()); code != 6 || !strings.Contains(problems, "E19:bound") {
		t.Errorf("the enrolment of a bound terminal ends with %d: %s", code, problems)
	}
	other := string(envelope.DigestOf([]byte("another")))
	if problems, code := w.enrols("ticket.json", other); code != 6 || !strings.Contains(problems, "E30:anchor") {
		t.Errorf("the enrolment on another anchor ends with %d: %s", code, problems)
	}
	w.untouched(before)
	w.issue()
	w.completes(21)
}

// After a rebinding the terminal may be enrolled again, at the next epoch and
// with a new ticket; every order of its former life is dead, and it can be
// unbound once more.
func TestAReboundTerminalLivesAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{sales: 20})
	w.startDaemon()
	w.traded(20)
	var old command.Command
	order := w.sign(w.issue(), "ops-1", "sec-1")
	payload(t, order, &old)
	former, err := os.ReadFile(order)
	if err != nil {
		t.Fatal(err)
	}
	w.publish(order)
	w.unbound()
	w.proves(20)
	w.refuses(former, "E28:not-bound")
	w.daemon.stop()
	if problems, code := w.enrols("ticket.json", w.anchor()); code != 6 || !strings.Contains(problems, "E30") {
		t.Errorf("the enrolment with a used ticket ends with %d: %s", code, problems)
	}
	w.onceMore()
	if mode := w.startDaemon(); mode != local.Trading {
		t.Fatalf("the daemon begins %s", mode)
	}
	w.until("enrolment 2", func(s local.Status) bool { return s.Epoch == 2 && trusted(s) && s.Case == nil })
	w.sells()
	now := w.draft()
	w.refuses(former, "E09:device") // the device key is a new one
	device := bent(old, func(c *command.Command) { c.Device = now.Device })
	w.refuses(w.order(device), "E10")
	epoch := bent(device, func(c *command.Command) { c.Epoch = now.Epoch })
	w.refuses(w.order(epoch), "E20")
	w.refuses(w.order(bent(epoch, func(c *command.Command) { c.Binding = now.Binding })), "E11:id")
	w.settles()
	w.publish(w.keep("again.json", w.order(now)))
	w.unbound()
	out := w.path("case-" + w.caseID())
	must(t, "unbind-desk", "cases", "export", w.caseID(), "--dir", w.path("desk"), "--out", out)
	must(t, "unbind-desk", "verify", out, "--identity", w.path("desk", "keys", "recipient.key"))
	left, err := filepath.Glob(filepath.Join(w.state(), "*"))
	if err != nil || len(left) != 3 || filepath.Base(left[0]) != "told.json" || filepath.Base(left[1]) != "tombstone-1.json" || filepath.Base(left[2]) != "tombstone.json" {
		t.Errorf("left in the state directory: %v %v", left, err)
	}
}

// onceMore enrols the terminal anew, for another merchant.
func (w *world) onceMore() {
	w.t.Helper()
	must(w.t, "unbind-desk", "enrol", "--dir", w.path("desk"), "--terminal", terminalID, "--serial", serialNo, "--acquirer", "898301",
		"--merchant", "898301000004418", "--uscc", "91310000MA1FL0001X", "--account", "6222-0000-4418", "--reader", w.path("reader.json"), "--out", w.path("ticket-2.json"))
	if problems, code := w.enrols("ticket-2.json", w.anchor()); code != 0 {
		w.t.Fatalf("the enrolment ends with %d: %s", code, problems)
	}
}
