package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/ticket"
)

func caseOf(t *testing.T, e *envelope.Envelope) string {
	t.Helper()
	var c command.Command
	if err := envelope.Decode(e.Payload, &c); err != nil {
		t.Fatal(err)
	}
	return string(c.Case)
}

// refusesToPublish checks code and exit of a refused publish.
func (o *office) refusesToPublish(path, code string) {
	o.t.Helper()
	_, said, exit := verb(o.t, "publish", "--dir", string(o.dir), path)
	if exit != exitRefused || !strings.Contains(said, "["+code+"]") || !strings.Contains(said, "Next: ") {
		o.t.Fatalf("publish ended with %d, want %s: %s", exit, code, said)
	}
}

func TestPublishCountsPeople(t *testing.T) {
	o := newOffice(t)
	newTerminal(o, "T-1")
	_, path := o.draft(unbind("T-1"))
	o.refusesToPublish(path, "E04:unsigned")
	o.cli("sign", "--key", o.dir.Key("ops-1"), path)
	o.refusesToPublish(path, "E05:missing-role")
	o.cli("sign", "--key", o.dir.Key("ops-2"), path)
	o.refusesToPublish(path, "E05:missing-role")
	o.cli("sign", "--key", o.dir.Key("sec-1"), path)
	o.refusesToPublish(path, "E05:role") // more than are asked for, as where they are collected
	_, path = o.draft(unbind("T-1"), "ops-1", "sec-1")
	o.cli("publish", "--dir", string(o.dir), path)
	o.cli("publish", "--dir", string(o.dir), path) // again: nothing new

	_, path = o.draft(unbind("T-1"), "ops-1", "sec-1")
	o.refusesToPublish(path, "E19")
}

func TestPublishRelaxedNeedsRelease(t *testing.T) {
	o := newOffice(t)
	newTerminal(o, "T-1")
	for _, flags := range [][]string{{"--gate", "none"}, {"--gate", "sealed"}, {"--sealed-after", "24"}} {
		_, path := o.draft(unbind("T-1", flags...), "ops-1", "sec-1")
		o.refusesToPublish(path, "E05:missing-role")
	}
}

func TestPublishOnlyWhatWasIssued(t *testing.T) {
	o := newOffice(t)
	newTerminal(o, "T-1")
	e, _ := o.draft(unbind("T-1"))
	var c command.Command
	o.check(envelope.Decode(e.Payload, &c))
	forge := func(change func(*command.Command)) string {
		forged := c
		change(&forged)
		sealed, err := envelope.Seal(envelope.Type(command.Kind), forged, o.signer("ops-1"), o.signer("sec-1"))
		o.check(err)
		path := o.file("forged.json")
		o.check(os.WriteFile(path, sealed.Encode(), 0o644))
		return path
	}
	o.refusesToPublish(forge(func(c *command.Command) { c.Level = command.Purge }), "E28:command")
	o.refusesToPublish(forge(func(c *command.Command) { c.Case = "C-2026-999999" }), "E28:case")
	o.refusesToPublish(forge(func(c *command.Command) { c.Seq = 9 }), "E28:command")
}

func TestPublishTooLate(t *testing.T) {
	o := newOffice(t)
	m := newTerminal(o, "T-1")
	_, earlier := o.draft(unbind("T-1"), "ops-1", "sec-1")
	order := o.order(unbind("T-1"), "ops-1", "sec-1")
	u := m.begin(order)
	cancel, path := o.draft([]string{"cancel", "--case", caseOf(t, order)}, "ops-1")
	u.answer(u.command.Case, 2, order.Digest(), command.Undone).want(t, http.StatusOK, "")
	o.refusesToPublish(path, "E28:state")
	o.refusesToPublish(earlier, "E11:seq")
	_ = cancel
}

func TestIssueRefuses(t *testing.T) {
	o := newOffice(t)
	newTerminal(o, "T-1")
	for code, args := range map[string][]string{
		"E28:terminal": unbind("T-9"),
		"E17:reason":   {"--terminal", "T-1", "--action", "rebind", "--profile", "rebind-standard", "--reason", "bored"},
		"E17:action":   {"--terminal", "T-1", "--action", "retire", "--profile", "rebind-standard", "--reason", "merchant-closed"},
		"E28:profile":  {"--terminal", "T-1", "--action", "rebind", "--profile", "none", "--reason", "merchant-closed"},
		"E17:papers":   {"--terminal", "T-1", "--action", "retire", "--profile", "retire-standard", "--reason", "merchant-closed"},
		"E17:set":      unbind("T-1", "--set", "rcp-9"),
		"E17:scope":    unbind("T-1", "--scope", "ledger"),
		"E07:gate":     unbind("T-1", "--gate", "never"),
		"E13:valid":    unbind("T-1", "--valid", "-1h"),
	} {
		_, said, exit := verb(t, append([]string{"issue", "--dir", string(o.dir), "--out", o.file("c.json")}, args...)...)
		if exit != exitRefused || !strings.Contains(said, "["+code+"]") {
			t.Errorf("issue ended with %d, want %s: %s", exit, code, said)
		}
		if code == "E28:profile" && (!strings.Contains(said, "names [rebind-standard retire-standard]") || !strings.Contains(said, "Next: Take one of those that are named")) {
			t.Errorf("an unknown profile is answered with: %s", said)
		}
	}
}

func TestPapers(t *testing.T) {
	o := newOffice(t)
	m := newTerminal(o, "T-1")
	licence, form := o.file("licence"), o.file("form")
	o.check(os.WriteFile(licence, []byte("scan"), 0o600))
	o.check(os.WriteFile(form, []byte("scan 2"), 0o600))
	papers, order := o.file("papers.json"), o.file("command.json")
	o.cli("issue", "--dir", string(o.dir), "--terminal", "T-1", "--action", "retire", "--profile", "retire-standard",
		"--reason", "merchant-closed", "--paper", "business-licence="+licence+":badge-7", "--paper", "acceptance-form="+form+":badge-7",
		"--papers", papers, "--out", order)
	o.cli("sign", "--key", o.dir.Key("ops-1"), papers, order)
	o.cli("sign", "--key", o.dir.Key("sec-1"), order)
	o.refusesToPublish(order, "E17:papers")
	o.cli("publish", "--dir", string(o.dir), papers)
	o.cli("publish", "--dir", string(o.dir), order)
	_, got := m.orders(nil)
	if len(got.Orders) != 2 || parse(t, got.Orders[1]).PayloadType != envelope.Type("papers") {
		t.Fatalf("the papers do not travel beside the command: %d orders", len(got.Orders))
	}
}

func TestTicketByHand(t *testing.T) {
	o := newOffice(t)
	m := newTerminal(o, "T-1")
	m.trade(1)
	u := m.begin(o.order(unbind("T-1"), "ops-1", "sec-1"))
	u.sealed(nothing)
	u.deliver()
	files := map[string][]byte{"command": u.order.Encode(), "manifest": u.signed, "binding": u.welcome.Binding, "receipt": u.authority.Encode()}
	paths := map[string]string{}
	for name, body := range files {
		paths[name] = o.file(name)
		o.check(os.WriteFile(paths[name], body, 0o644))
	}
	out := filepath.Join(o.work, "ticket.json")
	args := []string{"ticket", "--key", o.dir.Key("reader-1"), "--trust", o.dir.Trust(), "--anchor", "@" + o.dir.Anchor(),
		"--command", paths["command"], "--manifest", paths["manifest"], "--binding", paths["binding"], "--out", out}
	for code, more := range map[string][]string{
		"E29:receipt":   {},
		"E24:signer":    {"--receipt", paths["command"]},
		"E29:signature": {"--receipt", paths["receipt"], "--key", o.dir.Key("ops-1")},
		"E16:anchor":    {"--receipt", paths["receipt"], "--anchor", string(u.bound)},
	} {
		_, said, exit := verb(t, append(args, more...)...)
		if exit != exitRefused || !strings.Contains(said, code) {
			t.Errorf("ticket ended with %d, want %s: %s", exit, code, said)
		}
	}
	o.cli(append(args, "--receipt", paths["receipt"])...)
	text, err := os.ReadFile(out)
	o.check(err)
	f, err := ticket.Read(text)
	o.check(err)
	u.ticket() // the process signs the very same one
	if r := u.get(u.at("tickets", 1)); string(r.body)+"\n" != string(text) || f.SN != u.readSN {
		t.Fatalf("the signer and the process disagree:\n%s\n%s", text, r.body)
	}
}
