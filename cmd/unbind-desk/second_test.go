package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"unbindd/agent/backup"
	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/receipt"
	"unbindd/cmd/unbind-desk/internal/authority"
)

// exported writes a case into a new folder.
func (u *unbinding) exported() string {
	u.t.Helper()
	out := u.desk.file("case")
	u.desk.cli("cases", "export", string(u.command.Case), "--dir", string(u.desk.dir), "--out", out)
	return out
}

// line is what verify says of a check.
func (u *unbinding) line(folder, check string) string {
	u.t.Helper()
	out, _, _ := verb(u.t, "verify", folder)
	for line := range strings.Lines(out) {
		if strings.Contains(line, " "+check+" ") {
			return strings.TrimSpace(line)
		}
	}
	u.t.Fatalf("verify says nothing of %q:\n%s", check, out)
	return ""
}

// trusted is the anchor as a person gives it who knows it out of band.
func (o *office) trusted() string { return "@" + o.dir.Anchor() }

func says(t *testing.T, got string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(got, w) {
			t.Errorf("%q does not say %q", got, w)
		}
	}
}

// A custodian and a validator sign for a whole case; both words are in the case,
// verify, and stock tools agree.
func TestASecondPersonSignsForACase(t *testing.T) {
	t.Setenv("UNBIND_DESK_LANG", "en")
	o := newOffice(t)
	u := whole(t, o, "T-1")
	id, dir := string(u.command.Case), string(o.dir)
	before := u.exported()
	says(t, u.line(before, "custody"), "absent")
	says(t, u.line(before, "validation"), "absent")

	told := o.cli("custody", "check", id, "--dir", dir, "--identity", o.dir.Identity(), "--key", o.dir.Key("cust-1"))
	says(t, told, "3 transaction(s) opened and counted", "say the same", "kept at the desk")
	told = o.cli("validate", id, "--dir", dir, "--identity", o.dir.Identity(), "--key", o.dir.Key("rel-1"))
	says(t, told, "accepted as complete", "kept at the desk")

	after := u.exported()
	says(t, u.line(after, "custody"), "ok", "counted again by cust-1")
	says(t, u.line(after, "validation"), "ok", "accepted as complete by rel-1 (release)")
	says(t, u.line(after, "log"), "ok")
	says(t, o.cli("cases", "show", id, "--dir", dir), "backup counted again by cust-1", "certificate 1 validated as complete by rel-1 as release", "validation")
	parcel := filepath.Join(o.work, "case.zip")
	o.cli("cases", "export", id, "--dir", dir, "--out", parcel)
	says(t, u.line(parcel, "custody"), "ok")
	says(t, u.line(parcel, "validation"), "ok", "accepted as complete by rel-1 (release)")
	if v := o.cli("validate", after, "--json"); !strings.Contains(v, `"custody": "sha256:`) {
		t.Error("a validation does not name the custodian's receipt that is there")
	}
}

// Who may not: the person or the role that signed the command, who took part in the
// case, machines and roots, strangers, and whoever signed the desk's own receipt.
func TestNobodyValidatesWhatHeOrdered(t *testing.T) {
	t.Setenv("UNBIND_DESK_LANG", "en")
	o := newOffice(t)
	u := whole(t, o, "T-1")
	folder := u.exported()
	for holder, code := range map[string]string{
		"ops-1": "E05:same-holder", "sec-1": "E05:same-holder", "ops-2": "E05:same-role",
		"root-1": "E05:role", "receipt-1": "E05:role", "reader-1": "E05:role",
	} {
		_, problems, exit := verb(t, "validate", folder, "--anchor", o.trusted(), "--key", o.dir.Key(holder), "--out", o.file("v.json"))
		if exit != exitRefused || !strings.Contains(problems, code) {
			t.Errorf("%s: exit %d, %s", holder, exit, problems)
		}
	}
	for holder, code := range map[string]string{"receipt-1": "E24:signer", "rel-1": "E24:signer"} {
		_, problems, exit := verb(t, "custody", "check", folder, "--anchor", o.trusted(), "--identity", o.dir.Identity(), "--key", o.dir.Key(holder), "--out", o.file("c.json"))
		if exit != exitRefused || !strings.Contains(problems, code) {
			t.Errorf("%s as custodian: exit %d, %s", holder, exit, problems)
		}
	}
	// The desk asks for itself: a statement that was signed past the verb is refused.
	v := u.validation()
	for name, c := range map[string]struct {
		change func(*certificate.Validation)
		by     []string
		code   string
	}{
		"the approver":               {nil, []string{"ops-1"}, "E05:same-holder"},
		"another subject":            {func(v *certificate.Validation) { v.Subject[0] = certificate.About("command", u.digest) }, []string{"rel-1"}, "E28:subject"},
		"a subject less":             {func(v *certificate.Validation) { v.Subject = v.Subject[:1] }, []string{"rel-1"}, "E28:subject"},
		"another certificate":        {func(v *certificate.Validation) { v.Predicate.Certificate = u.digest }, []string{"rel-1"}, "E28:certificate"},
		"another result":             {func(v *certificate.Validation) { v.Predicate.Result, v.Predicate.Accepts = "partial", "partial" }, []string{"rel-1"}, "E06:result"},
		"accepted as what it's not":  {func(v *certificate.Validation) { v.Predicate.Accepts = "partial" }, []string{"rel-1"}, "E06:accepts"},
		"a custody that isn't there": {func(v *certificate.Validation) { v.Predicate.Custody = u.digest }, []string{"rel-1"}, "E28:custody"},
		"two people":                 {nil, []string{"rel-1", "cust-1"}, "E05:missing-role"},
		"nobody":                     {nil, nil, "E05:missing-role"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := v
			changed.Subject = append([]certificate.Subject{}, v.Subject...)
			if c.change != nil {
				c.change(&changed)
			}
			e, err := envelope.Seal(envelope.Statement, changed)
			o.check(err)
			for _, holder := range c.by {
				o.check(e.Add(o.signer(holder)))
			}
			path := o.file("v.json")
			o.check(os.WriteFile(path, e.Encode(), 0o600))
			if _, problems, exit := verb(t, "publish", "--dir", string(o.dir), path); exit != exitRefused || !strings.Contains(problems, c.code) {
				t.Errorf("exit %d, want %s: %s", exit, c.code, problems)
			}
		})
	}
}

// validation is a right one, unsigned.
func (u *unbinding) validation() (v certificate.Validation) {
	u.t.Helper()
	path := u.desk.file("v.json")
	u.desk.cli("validate", u.exported(), "--out", path)
	e, err := readEnvelope(path)
	u.check(err)
	u.check(envelope.Decode(e.Payload, &v))
	return v
}

// A partial certificate is accepted only by who says so, with everything it leaves
// open; and it may be rejected, after which the case does not verify.
func TestAPartialCertificateIsNotAcceptedInSilence(t *testing.T) {
	t.Setenv("UNBIND_DESK_LANG", "en")
	o := newOffice(t)
	m := newTerminal(o, "T-1")
	m.trade(3)
	u := m.begin(o.order(unbind("T-1"), "ops-1", "sec-1"))
	u.sealed(nothing)
	u.deliver()
	u.ticket()
	u.answer(u.command.Case, 2, u.order.Digest(), command.Completed).want(t, http.StatusOK, "")
	u.put(u.at("certificate", 1), u.certificate(1, func(p *certificate.Predicate) {
		p.Media[0].Verified, p.Verified = certificate.Fail, certificate.Fail
	})).want(t, http.StatusOK, "")
	folder := u.exported()
	out := o.file("v.json")
	_, problems, exit := verb(t, "validate", folder, "--anchor", o.trusted(), "--key", o.dir.Key("cust-1"), "--out", out)
	if exit != exitRefused || !strings.Contains(problems, "E06:accepts") || exists(out) {
		t.Fatalf("accepted in silence: exit %d, %s", exit, problems)
	}
	told := o.cli("validate", folder, "--anchor", o.trusted(), "--accept-partial", "--key", o.dir.Key("cust-1"), "--out", out)
	says(t, told, "accepted as PARTIAL", "open: medium:host-keys", "open: verified:fail")
	o.cli("publish", "--dir", string(o.dir), out)
	o.cli("publish", "--dir", string(o.dir), out) // the same again
	says(t, u.line(u.exported(), "validation"), "ok", "accepted as partial by cust-1 (custodian), knowing of 2 thing(s)")
	other := o.file("v.json")
	o.cli("validate", folder, "--anchor", o.trusted(), "--reject", "--key", o.dir.Key("rel-1"), "--out", other)
	if _, problems, exit = verb(t, "publish", "--dir", string(o.dir), other); exit != exitRefused || !strings.Contains(problems, "E11:other-bytes") {
		t.Errorf("a second word on one certificate: exit %d, %s", exit, problems)
	}
	text, err := os.ReadFile(other)
	o.check(err)
	o.check(os.WriteFile(filepath.Join(folder, "validation.json"), text, 0o600))
	says(t, u.line(folder, "validation"), "failed", "rel-1 (release) has rejected")
}

// What a custodian refuses, by name.
func TestACustodianSignsOnlyWhatHeCounted(t *testing.T) {
	t.Setenv("UNBIND_DESK_LANG", "en")
	o := newOffice(t)
	u := whole(t, o, "T-1")
	stranger := o.file("stranger.key")
	identity, recipient, err := backup.NewRecipient()
	o.check(err)
	o.check(authority.CreateIdentity(stranger, authority.NewSecret([]byte(identity)), recipient, time.Now()))
	for name, c := range map[string]struct {
		identity string
		spoil    func(folder string)
		code     string
	}{
		"sealed for somebody else": {stranger, nil, "E24:recipient"},
		"cut": {o.dir.Identity(), func(folder string) {
			o.check(os.Truncate(filepath.Join(folder, "backup.jsonl.zst.age"), int64(len(u.file)-9)))
		}, "E24:digest"},
		"another file of the same terminal": {o.dir.Identity(), func(folder string) {
			o.check(os.WriteFile(filepath.Join(folder, "backup.jsonl.zst.age"), u.sealFile(u.lines[:3]), 0o600))
		}, "E24:digest"},
		"no file": {o.dir.Identity(), func(folder string) { o.check(os.Remove(filepath.Join(folder, "backup.jsonl.zst.age"))) }, "E28"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := u.exported()
			if c.spoil != nil {
				c.spoil(folder)
			}
			out := o.file("c.json")
			_, problems, exit := verb(t, "custody", "check", folder, "--anchor", o.trusted(), "--identity", c.identity, "--key", o.dir.Key("cust-1"), "--out", out)
			if exit != exitRefused || !strings.Contains(problems, c.code) || exists(out) {
				t.Errorf("exit %d, want %s: %s", exit, c.code, problems)
			}
		})
	}
	// And what the desk refuses of a custodian.
	path := o.file("c.json")
	o.cli("custody", "check", u.exported(), "--anchor", o.trusted(), "--identity", o.dir.Identity(), "--key", o.dir.Key("cust-1"), "--out", path)
	good, err := readEnvelope(path)
	o.check(err)
	for name, c := range map[string]struct {
		change func(*receipt.Receipt)
		code   string
	}{
		"another count":    {func(r *receipt.Receipt) { r.Totals.Count++ }, "E24:count"},
		"another sum":      {func(r *receipt.Receipt) { r.Totals.Sums[0].Amount++ }, "E24:sums"},
		"another head":     {func(r *receipt.Receipt) { r.Totals.Head = u.digest }, "E24:head"},
		"another manifest": {func(r *receipt.Receipt) { r.Subject = r.Command }, "E24:subject"},
		"another leaf":     {func(r *receipt.Receipt) { r.Index++ }, "E24:index"},
		"the desk's kind":  {func(r *receipt.Receipt) { r.Kind = "backup" }, "E24:kind"},
	} {
		var r receipt.Receipt
		o.check(envelope.Decode(good.Payload, &r))
		c.change(&r)
		e, err := envelope.Seal(envelope.Type(receipt.Kind), r, o.signer("cust-1"))
		o.check(err)
		o.check(os.WriteFile(path, e.Encode(), 0o600))
		if _, problems, exit := verb(t, "publish", "--dir", string(o.dir), path); exit != exitRefused || !strings.Contains(problems, c.code) {
			t.Errorf("%s: exit %d, want %s: %s", name, exit, c.code, problems)
		}
	}
}
