package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/desk"
)

// whole case as an operator sees it.
func (o *office) show(id envelope.ID) desk.Whole {
	o.t.Helper()
	var w desk.Whole
	o.check(json.Unmarshal([]byte(o.cli("cases", "show", string(id), "--dir", string(o.dir), "--json")), &w))
	return w
}

// refuses runs a verb that must be refused with a code.
func (o *office) refuses(code string, args ...string) {
	o.t.Helper()
	_, said, exit := verb(o.t, args...)
	if exit != exitRefused || !strings.Contains(said, "["+code+"]") {
		o.t.Fatalf("%s ended with %d, want %s: %s", args[0], exit, code, said)
	}
}

// Two operators who looked at the same version: one changes the case, the other
// is told, and nothing of what he wanted is there.
func TestOfTwoOperatorsOneChangesTheCase(t *testing.T) {
	pairs(t, func(t *testing.T, p *pair) {
		m := newTerminal(p.office, "T-1")
		u := m.begin(p.order(unbind("T-1"), "ops-1", "sec-1"))
		id := u.command.Case
		seen := p.show(id)
		_, amend := p.draft([]string{"amend", "--case", string(id), "--allow", "reader-absent"}, "ops-1", "sec-1", "rel-1")
		_, cancel := p.draft([]string{"cancel", "--case", string(id)}, "ops-2")
		codes, texts := [2]int{}, [2]string{}
		var both sync.WaitGroup
		for i, path := range []string{amend, cancel} {
			both.Go(func() {
				_, texts[i], codes[i] = verb(t, "publish", "--dir", string(p.dir), "--seen", strconv.FormatInt(seen.Version, 10), path)
			})
		}
		both.Wait()
		won, lost := 0, 1
		if codes[0] != exitDone {
			won, lost = 1, 0
		}
		if codes[won] != exitDone || codes[lost] != exitRefused || !strings.Contains(texts[lost], "[E31:version]") {
			t.Fatalf("the two ended with %v: %q", codes, texts)
		}
		after := p.show(id)
		if after.Version != seen.Version+1 || len(after.Objects) != len(seen.Objects)+1 || len(after.History) != len(seen.History)+1 {
			t.Fatalf("version %d -> %d, %d -> %d objects, %d -> %d lines", seen.Version, after.Version,
				len(seen.Objects), len(after.Objects), len(seen.History), len(after.History))
		}
		// The winner's own file again changes nothing, whatever version he names.
		p.cli("publish", "--dir", string(p.dir), "--seen", strconv.FormatInt(seen.Version, 10), []string{amend, cancel}[won])
		if again := p.show(id); again.Version != after.Version {
			t.Fatalf("a repeat moved the case to version %d", again.Version)
		}
		// The terminal's word is a change too.
		u.answer(id, 2, u.order.Digest(), command.Accepted).want(t, http.StatusOK, "")
		p.refuses("E31:version", "publish", "--dir", string(p.dir), "--seen", strconv.FormatInt(after.Version, 10), []string{amend, cancel}[lost])
	})
}

// A change that names no version is refused at the socket.
func TestUnseenChangesAreRefused(t *testing.T) {
	o := newOffice(t)
	m := newTerminal(o, "T-1")
	e, path := o.draft(unbind("T-1"), "ops-1", "sec-1")
	op := operator(string(o.dir))
	for name, change := range map[string]func() error{
		"publish":  func() error { _, err := op.Publish(t.Context(), e.Encode(), desk.Unseen); return err },
		"collect":  func() error { _, err := op.Collect(t.Context(), e.Encode(), desk.Unseen); return err },
		"withdraw": func() error { _, err := op.Withdraw(t.Context(), caseOf(t, e), desk.Unseen); return err },
	} {
		if err := change(); envelope.CodeOf(err) != "E31:unseen" {
			t.Errorf("%s: %v", name, err)
		}
	}
	o.cli("publish", "--dir", string(o.dir), path)
	_ = m
}

// People sign each on their own; the desk keeps it together and says who is
// missing, and nobody signs twice, with whatever key.
func TestSignaturesAreCollectedByPeople(t *testing.T) {
	o := newOffice(t)
	newTerminal(o, "T-1")
	// A bundle in which the person ops-1 has a second key, for security.
	another := envelope.NewSigner(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, ed25519.SeedSize)))
	second := another.Public()
	o.cli("publish", "--dir", string(o.dir), o.nextBundle(func(b *trust.Bundle) {
		b.Keys[second.ID()] = trust.Key{Alg: second.Alg, Holder: "ops-1", Pub: second.Pub, Role: trust.Security}
	}))
	e, bare := o.draft(unbind("T-1"))
	id := caseOf(t, e)
	collect := func(code string, by envelope.Signer) {
		t.Helper()
		copied := parse(t, e.Encode()) // each signs a copy of the bare draft
		o.check(copied.Add(by))
		_, err := operator(string(o.dir)).Collect(t.Context(), copied.Encode(), o.show(envelope.ID(id)).Version)
		if envelope.CodeOf(err) != code {
			t.Fatalf("signed with %s: %v, want %q", by.Public().ID(), err, code)
		}
	}
	collect("", o.signer("ops-1"))
	collect("", o.signer("ops-1")) // the same again
	collect("E05:same-holder", another)
	collect("E05:role", o.signer("ops-2"))
	o.refuses("E05:missing-role", "publish", "--dir", string(o.dir), "--case", id)
	var d desk.Collected
	out := o.file("so-far.json")
	o.check(json.Unmarshal([]byte(o.cli("cases", "draft", id, "--dir", string(o.dir), "--out", out, "--json")), &d))
	if len(d.Signed) != 1 || d.Signed[0].Holder != "ops-1" || len(d.Missing) != 1 || d.Missing[0] != trust.Security {
		t.Fatalf("after one signature: %+v", d.Approval)
	}
	o.cli("sign", "--key", o.dir.Key("sec-1"), bare)
	if told := o.cli("collect", "--dir", string(o.dir), bare); !strings.Contains(told, "Everybody has signed") {
		t.Fatalf("collect says: %s", told)
	}
	o.cli("publish", "--dir", string(o.dir), "--case", id)
	if got := o.state(id); got != "issued" {
		t.Fatalf("the case is %s", got)
	}
	o.refuses("E28:state", "collect", "--dir", string(o.dir), bare)
}

// sign says which roles are missing where it knows the bundles.
func TestSignNamesTheMissingRoles(t *testing.T) {
	o := newOffice(t)
	newTerminal(o, "T-1")
	_, path := o.draft(unbind("T-1", "--gate", "none"))
	sign := []string{"sign", "--trust", o.dir.Trust(), "--anchor", "@" + o.dir.Anchor(), "--key"}
	if told := o.cli(append(sign, o.dir.Key("ops-1"), path)...); !strings.Contains(told, "Still missing: release, security") {
		t.Fatalf("sign says: %s", told)
	}
	o.refuses("E05:role", append(sign, o.dir.Key("ops-2"), path)...)
	o.refuses("E05:role", append(sign, o.dir.Key("enrol-1"), path)...)
	o.cli(append(sign, o.dir.Key("sec-1"), path)...)
	if told := o.cli(append(sign, o.dir.Key("rel-1"), path)...); !strings.Contains(told, "Everybody has signed") {
		t.Fatalf("sign says: %s", told)
	}
}

// Caps are kept and counted where the commands are, and hold after a restart, also
// for a desk that is started without them. What was refused does not count.
func TestCapsHold(t *testing.T) {
	o := newOffice(t, "--cap-signer", "1", "--cap-day", "2")
	for _, id := range []string{"T-1", "T-2", "T-3"} {
		newTerminal(o, id)
	}
	o.order(unbind("T-1"), "ops-1", "sec-1")
	_, second := o.draft(unbind("T-2"), "ops-2", "sec-1")
	o.refuses("E32:signer", "publish", "--dir", string(o.dir), second)
	o.kill()
	o.start()
	o.refuses("E32:signer", "publish", "--dir", string(o.dir), second)
	o.stop()
	o.start("--cap-signer", "0")
	o.cli("publish", "--dir", string(o.dir), second)
	_, third := o.draft(unbind("T-3"), "ops-1", "sec-1")
	o.refuses("E32:day", "publish", "--dir", string(o.dir), third)
	if told := o.cli("caps", "--dir", string(o.dir), "--day", "0"); !strings.Contains(told, "A day in all:     0") {
		t.Fatalf("caps says: %s", told)
	}
	o.cli("publish", "--dir", string(o.dir), third)
	if told := o.cli("caps", "--dir", string(o.dir)); strings.Count(told, "set at ") != 3 || !strings.Contains(told, "0 a day and person, 2 in all") {
		t.Fatalf("what was set is not told: %s", told)
	}
}

// Who never set caps has some: a signer's key that was taken orders no fleet away.
func TestThereAreCapsWhereNobodySetThem(t *testing.T) {
	p := newPair(t, memoryBase(t), folderOf)
	for which, d := range p.desks {
		if c, err := d.Caps(); err != nil || c != (desk.Caps{Signer: 100, Day: 500}) {
			t.Fatalf("desk %d goes by %+v, %v", which, c, err)
		}
	}
}

// Of two desks on one store both hold to a cap, whichever was told of it.
func TestTwoDesksHoldToOneCap(t *testing.T) {
	p := newPair(t, memoryBase(t), folderOf)
	if err := p.desks[0].SetCaps(desk.Caps{Day: 1}); err != nil {
		t.Fatal(err)
	}
	for i, id := range []string{"T-1", "T-2"} {
		newTerminal(p.office, id)
		_, path := p.draft(unbind(id), "ops-1", "sec-1")
		p.operators.only.Store(int64(2 - i)) // the other desk first
		if i == 0 {
			p.cli("publish", "--dir", string(p.dir), path)
		} else {
			p.refuses("E32:day", "publish", "--dir", string(p.dir), path)
		}
		p.operators.only.Store(0)
	}
	if c, err := p.desks[1].Caps(); err != nil || c != (desk.Caps{Day: 1}) {
		t.Fatalf("the other desk goes by %+v, %v", c, err)
	}
}

// A draft that nobody outside has heard of ends at the desk.
func TestDraftsAreWithdrawn(t *testing.T) {
	o := newOffice(t)
	newTerminal(o, "T-1")
	e, path := o.draft(unbind("T-1"), "ops-1", "sec-1")
	id := caseOf(t, e)
	o.refuses("E31:version", "cases", "withdraw", id, "--dir", string(o.dir), "--seen", "9")
	o.cli("cases", "withdraw", id, "--dir", string(o.dir))
	if got := o.state(id); got != "cancelled" {
		t.Fatalf("the case is %s", got)
	}
	o.refuses("E28:state", "publish", "--dir", string(o.dir), path)
	o.refuses("E28:state", "cases", "withdraw", id, "--dir", string(o.dir))
	published := o.order(unbind("T-1"), "ops-1", "sec-1")
	o.refuses("E28:state", "cases", "withdraw", caseOf(t, published), "--dir", string(o.dir))
}

// A list that is longer than a page is listed whole, each case once.
func TestManyCasesAreListedInPages(t *testing.T) {
	p := newPair(t, memoryBase(t), folderOf)
	newTerminal(p.office, "T-1")
	op := operator(string(p.dir))
	for range desk.CasesPage + 2 {
		if _, err := op.Issue(t.Context(), desk.Wish{
			Terminal: "T-1", Action: "rebind", Profile: "rebind-standard", Reason: "merchant-closed", Gate: "receipt",
			Level: "clear", Set: "rcp-demo", Valid: 3600,
		}); err != nil {
			t.Fatal(err)
		}
	}
	list, err := op.Cases(t.Context(), desk.Query{})
	if err != nil || len(list) != desk.CasesPage+2 {
		t.Fatalf("%d cases are listed, %v", len(list), err)
	}
	for i, b := range list[1:] {
		if b.Case <= list[i].Case {
			t.Fatalf("%s comes after %s", b.Case, list[i].Case)
		}
	}
}

// Signatures on a command that was made for another bundle are not collected: it
// could never be published.
func TestNothingIsCollectedForAnotherTrust(t *testing.T) {
	o := newOffice(t)
	newTerminal(o, "T-1")
	_, bare := o.draft(unbind("T-1"))
	o.cli("sign", "--key", o.dir.Key("ops-1"), bare)
	o.cli("publish", "--dir", string(o.dir), o.nextBundle(nil))
	o.refuses("E08", "collect", "--dir", string(o.dir), bare)
}
