package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/agent/profile"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/directory"
)

// Steps for a courier come in files of at most 64, with the orders in the last.
func TestStepsGoIntoAsManyFilesAsTheyNeed(t *testing.T) {
	o := &office{t: t, work: t.TempDir()}
	o.dir = directory.Dir(filepath.Join(o.work, "desk"))
	o.cli("init", "--dir", string(o.dir))
	list := o.bundlesAfter(69)
	first, err := os.ReadFile(o.dir.Trust())
	o.check(err)
	all, err := directory.ParseArray(first)
	o.check(err)
	for _, body := range list {
		all = append(all, parse(t, body))
	}
	array, err := directory.Array(all)
	o.check(err)
	file := filepath.Join(o.work, "trust.json")
	o.check(os.WriteFile(file, array, 0o600))
	order := filepath.Join(o.work, "order.json")
	e, err := envelope.Seal(envelope.Type("cancel"), map[string]any{"v": 1})
	o.check(err)
	o.check(os.WriteFile(order, e.Encode(), 0o600))
	out := filepath.Join(o.work, "steps.json")
	var done []carried
	o.check(json.Unmarshal([]byte(o.cli("trust", "export", "--trust", file, "--out", out, "--order", order, "--json")), &done))
	want := []carried{{filepath.Join(o.work, "steps-1.json"), 2, 65}, {filepath.Join(o.work, "steps-2.json"), 66, 70}}
	if len(done) != 2 || done[0] != want[0] || done[1] != want[1] {
		t.Fatalf("written: %+v", done)
	}
	at, err := trust.Anchor(all[0], all[0].Digest())
	o.check(err)
	for i, f := range done {
		body, err := os.ReadFile(f.File)
		o.check(err)
		var got courierFile
		o.check(json.Unmarshal(body, &got))
		steps, err := envelopes(got.Trust)
		o.check(err)
		if at, _, err = at.CatchUp(steps); err != nil || at.Version != f.To || len(got.Orders) != i {
			t.Fatalf("%s: version %d, %d orders: %v", f.File, at.Version, len(got.Orders), err)
		}
	}
}

// Of files of which one would be too large for a terminal none is written.
func TestNoStepsAreWrittenUnlessAllFit(t *testing.T) {
	o := &office{t: t, work: t.TempDir()}
	o.dir = directory.Dir(filepath.Join(o.work, "desk"))
	o.cli("init", "--dir", string(o.dir))
	text, err := os.ReadFile(o.dir.Trust())
	o.check(err)
	all, err := directory.ParseArray(text)
	o.check(err)
	for _, body := range o.bundlesAfter(69) {
		all = append(all, parse(t, body))
	}
	array, err := directory.Array(all)
	o.check(err)
	file, order := filepath.Join(o.work, "trust.json"), filepath.Join(o.work, "order.json")
	o.check(os.WriteFile(file, array, 0o600))
	e, err := envelope.Seal(envelope.Type("cancel"), map[string]string{"v": strings.Repeat("x", 32<<10)})
	o.check(err)
	o.check(os.WriteFile(order, e.Encode(), 0o600))
	args := []string{"trust", "export", "--trust", file, "--out", filepath.Join(o.work, "steps.json")}
	for range 1 + trust.MaxFile/len(e.Encode()) {
		args = append(args, "--order", order)
	}
	o.refuses("E01:bytes", args...)
	if left, _ := filepath.Glob(filepath.Join(o.work, "steps*")); len(left) > 0 {
		t.Errorf("the export left %v behind", left)
	}
}

// A profile that another one takes the place of stays for the cases that were made
// for it, and terminals are offered the one that is named now.
func TestAReplacedProfileStaysForItsCases(t *testing.T) {
	o := newOffice(t)
	u := whole(t, o, "T-1")
	text, err := os.ReadFile(filepath.Join(string(o.dir), "profiles", "rebind-standard.json"))
	o.check(err)
	var p profile.Profile
	o.check(envelope.Decode(parse(t, text).Payload, &p))
	p.Reasons = append(p.Reasons, "lost")
	next, err := envelope.Seal(envelope.Type(profile.Kind), p, o.signer("ops-1"), o.signer("sec-1"))
	o.check(err)
	o.cli("publish", "--dir", string(o.dir), o.nextBundle(func(b *trust.Bundle) { b.Profiles[p.ID] = next.Digest() }))
	path := o.file("profile.json")
	o.check(os.WriteFile(path, next.Encode(), 0o600))
	o.cli("publish", "--dir", string(o.dir), path)
	out := filepath.Join(o.work, "export")
	o.cli("cases", "export", string(u.command.Case), "--dir", string(o.dir), "--out", out)
	o.cli("verify", out)
	m := newTerminal(o, "T-2")
	if len(m.welcome.Profiles) != 2 {
		t.Fatalf("an enrolment brings %d profiles", len(m.welcome.Profiles))
	}
	o.order(append(unbind("T-2"), "--reason", "lost"), "ops-1", "sec-1")
	var offered struct{ Profiles []json.RawMessage }
	o.check(json.Unmarshal(m.get("/v1/terminals/T-2/command").body, &offered))
	found := false
	for _, body := range offered.Profiles {
		found = found || parse(t, body).Digest() == next.Digest()
	}
	if !found {
		t.Error("the new profile does not come with the orders")
	}
}

// A terminal without orders is offered the trust it lacks, and only once.
func TestTrustIsOfferedWithoutOrders(t *testing.T) {
	o := newOffice(t)
	m := newTerminal(o, "T-1")
	m.get("/v1/terminals/T-1/command").want(t, http.StatusNoContent, "")
	o.cli("trust", "publish", "--dir", string(o.dir), o.nextBundle(func(b *trust.Bundle) { b.Expires++ }))
	r, got := m.orders(nil)
	r.want(t, http.StatusOK, "")
	if len(got.Trust) != 2 || len(got.Orders) != 0 || r.header.Get("ETag") != trust.Tag(o.believed()) {
		t.Fatalf("offered: %d versions, %d orders, %s", len(got.Trust), len(got.Orders), r.header.Get("ETag"))
	}
	r, _ = m.orders(http.Header{"If-None-Match": {trust.Tag(o.believed())}})
	r.want(t, http.StatusNotModified, "")
}
