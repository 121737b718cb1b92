package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/campaign"
	"unbindd/cmd/unbind-desk/internal/desk"
)

// wave drafts and signs a command for each terminal, and writes a campaign over
// them that the holders sign.
func (o *office) wave(terminals []string, holders ...string) (file string, orders []string, cases []string) {
	o.t.Helper()
	for _, id := range terminals {
		e, path := o.draft(unbind(id), "ops-1", "sec-1")
		orders, cases = append(orders, path), append(cases, caseOf(o.t, e))
	}
	file = o.file("campaign.json")
	o.cli(append([]string{"campaign", "--out", file}, orders...)...)
	for _, h := range holders {
		o.cli("sign", "--key", o.dir.Key(h), "--trust", o.dir.Trust(), file)
	}
	return file, orders, cases
}

func (o *office) publishWave(file string, orders ...string) []string {
	return append([]string{"publish", "--dir", string(o.dir), "--campaign", file}, orders...)
}

// All commands of a campaign are published or none, past the caps, and only when
// three people signed how many.
func TestACampaignIsPublishedWholeOrNotAtAll(t *testing.T) {
	o := newOffice(t, "--cap-day", "1")
	names := []string{"T-1", "T-2", "T-3"}
	machines := map[string]*terminal{}
	for _, id := range append(names, "T-4") {
		machines[id] = newTerminal(o, id)
	}
	file, orders, cases := o.wave(names, "ops-1", "sec-1")
	o.refuses("E05:missing-role", o.publishWave(file, orders...)...)
	if told := o.cli("sign", "--key", o.dir.Key("rel-1"), file); !strings.Contains(told, "PUBLISH 3 unbind command(s)") {
		t.Fatalf("sign says: %s", told)
	}
	_, foreign := o.draft(unbind("T-4"), "ops-1", "sec-1")
	o.refuses("E28:count", o.publishWave(file, orders[:2]...)...)
	o.refuses("E28:count", o.publishWave(file, append(orders, foreign)...)...)
	o.refuses("E28:campaign", o.publishWave(file, orders[0], orders[1], foreign)...)

	// One that a terminal would refuse keeps the others back.
	unsigned := o.file("unsigned.json")
	bare, err := readEnvelope(orders[1])
	o.check(err)
	bare.Signatures = bare.Signatures[:1]
	o.check(os.WriteFile(unsigned, bare.Encode(), 0o644))
	o.refuses("E05:missing-role", o.publishWave(file, orders[0], unsigned, orders[2])...)
	for _, id := range cases {
		if got := o.state(id); got != "drafted" {
			t.Fatalf("case %s of a refused campaign is %s", id, got)
		}
	}

	o.cli(o.publishWave(file, orders...)...)
	o.cli(o.publishWave(file, orders...)...) // the same again changes nothing
	for _, id := range cases {
		if w := o.show(envelope.ID(id)); w.State != "issued" || len(w.History) != 3 {
			t.Fatalf("case %s is %s: %+v", id, w.State, w.History)
		}
	}
	for _, id := range names {
		r, got := machines[id].orders(nil)
		if r.status != http.StatusOK || len(got.Orders) != 1 {
			t.Fatalf("terminal %s is offered %d orders", id, len(got.Orders))
		}
	}
	// Beside it the cap holds as before.
	o.cli("publish", "--dir", string(o.dir), foreign)
	_, fifth := o.draft(unbind("T-4"), "ops-1", "sec-1")
	if _, said, code := verb(t, "publish", "--dir", string(o.dir), fifth); code != exitRefused {
		t.Fatalf("a second command of the day: exit %d, %s", code, said)
	}
}

// A case of a campaign is exported with it, and verifies; with another's it does not.
func TestACaseProvesItsCampaign(t *testing.T) {
	o := newOffice(t)
	m, n := newTerminal(o, "T-1"), newTerminal(o, "T-2")
	file, orders, cases := o.wave([]string{"T-1"}, "ops-2", "sec-1", "rel-1")
	o.cli(o.publishWave(file, orders...)...)
	e, err := readEnvelope(orders[0])
	o.check(err)
	m.trade(1)
	finish(m.begin(e))
	out := filepath.Join(o.work, "export")
	o.cli("cases", "export", cases[0], "--dir", string(o.dir), "--out", out)
	if told := o.cli("verify", out); !strings.Contains(told, "one of 1 command(s)") {
		t.Fatalf("verify says: %s", told)
	}
	other, more, _ := o.wave([]string{"T-2"}, "ops-2", "sec-1", "rel-1")
	o.cli(o.publishWave(other, more...)...)
	text, err := os.ReadFile(other)
	o.check(err)
	o.check(os.WriteFile(filepath.Join(out, "campaign.json"), text, 0o644))
	told, _, code := verb(t, "verify", out)
	if code != exitFailed || !strings.Contains(told, "failed   campaign") || !strings.Contains(told, "failed   log") {
		t.Fatalf("with another campaign: exit %d\n%s", code, told)
	}
	_ = n
}

// A campaign is good for its time, and for versions of cases that still stand.
func TestACampaignHasItsTime(t *testing.T) {
	p := newPair(t, memoryBase(t), folderOf)
	newTerminal(p.office, "T-1")
	file, orders, cases := p.wave([]string{"T-1"}, "ops-1", "sec-1", "rel-1")
	e, err := readEnvelope(orders[0])
	p.check(err)
	signed, err := os.ReadFile(file)
	p.check(err)
	_, err = operator(string(p.dir)).PublishCampaign(t.Context(), desk.Wave{Campaign: signed, Orders: []desk.Order{{Order: e.Encode(), Seen: 7}}})
	if envelope.CodeOf(err) != "E31:version" {
		t.Fatalf("at another version of the case: %v", err)
	}
	p.clock.move(25 * time.Hour)
	p.refuses("E13:window", p.publishWave(file, orders...)...)
	p.clock.move(-26 * time.Hour)
	p.refuses("E13:window", p.publishWave(file, orders...)...)
	p.clock.move(time.Hour)
	var done []desk.Published
	p.check(json.Unmarshal([]byte(p.cli(append(p.publishWave(file, orders...), "--json")...)), &done))
	if len(done) != 1 || string(done[0].Case) != cases[0] {
		t.Fatalf("published %+v", done)
	}
	for name, files := range map[string][]string{"twice": {orders[0], orders[0]}, "no command": {file}} {
		if _, _, code := verb(t, append([]string{"campaign", "--out", p.file("c.json")}, files...)...); code != exitRefused {
			t.Errorf("a campaign over a command %s: exit %d", name, code)
		}
	}
	if _, err := campaign.Over(nil, 0, 1); err == nil {
		t.Error("a campaign of nothing was made")
	}
}

// A command that was published by itself is not made one of a campaign's: three
// people vouch for none that went out without them.
func TestACampaignStampsOnlyWhatItPublished(t *testing.T) {
	o := newOffice(t)
	newTerminal(o, "T-1")
	newTerminal(o, "T-2")
	file, orders, cases := o.wave([]string{"T-1", "T-2"}, "ops-1", "sec-1", "rel-1")
	o.cli("publish", "--dir", string(o.dir), orders[1])
	o.refuses("E28:campaign", o.publishWave(file, orders...)...)
	if got := o.state(cases[0]); got != "drafted" {
		t.Fatalf("a case of the refused campaign is %s", got)
	}
	if w := o.show(envelope.ID(cases[1])); len(w.History) != 2 {
		t.Fatalf("the case beside it is %+v", w.History)
	}
}
