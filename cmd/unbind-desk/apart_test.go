package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/trust"
)

// revoke publishes a bundle in which a person's key is gone and revoked.
func (o *office) revoke(holder string) {
	o.t.Helper()
	o.cli("publish", "--dir", string(o.dir), o.nextBundle(func(b *trust.Bundle) {
		for id, key := range b.Keys {
			if string(key.Holder) == holder {
				delete(b.Keys, id)
				b.Revoked = append(b.Revoked, id)
			}
		}
	}))
}

// A case whose approver was revoked since is signed for by nobody, and who tries is told
// whose key it was, which version revoked it and when, and what is left to do; at the
// desk and over a folder, and no internal error.
func TestARevokedApproverIsNamed(t *testing.T) {
	o := newOffice(t)
	u := whole(t, o, "T-1")
	id, dir := string(u.command.Case), string(o.dir)
	early := u.signedValidation("rel-1")
	o.revoke("ops-1")
	folder := u.exported()
	for name, args := range map[string][]string{
		"validate at the desk": {"validate", id, "--dir", dir, "--key", o.dir.Key("rel-1")},
		"custody at the desk":  {"custody", "check", id, "--dir", dir, "--identity", o.dir.Identity(), "--key", o.dir.Key("cust-1")},
		"validate a folder":    {"validate", folder},
		"custody of a folder":  {"custody", "check", folder, "--identity", o.dir.Identity()},
		"publish what waited":  {"publish", "--dir", dir, early},
	} {
		for lang, next := range map[string][]string{
			"en": {"Keep its export", "ops-1 (operations) signed it with key ed25519:", "which trust version 2 revoked on 20", "nothing more is signed on it"},
			"zh": {"请保留其导出文件", "ops-1（operations）曾以密钥 ed25519:", "该密钥已由信任包版本 2 于 20", " 吊销；由它引出的内容仍保留在记录中"},
		} {
			t.Setenv("UNBIND_DESK_LANG", lang)
			_, said, exit := verb(t, args...)
			if exit != exitRefused || !strings.Contains(said, "[E05:revoked-key]") {
				t.Errorf("%s: exit %d, %s", name, exit, said)
			}
			says(t, said, next[1:]...)
			if args[0] != "publish" {
				says(t, said, next[0])
			}
		}
	}
}

// Who has validated a case signs nothing more in it: no amendment and no close. The desk
// refuses it by name, and verify names the hand of one that came another way.
func TestWhoValidatedSignsNoOrderOfTheCase(t *testing.T) {
	t.Setenv("UNBIND_DESK_LANG", "en")
	o := newOffice(t)
	m := newTerminal(o, "T-1")
	m.trade(3)
	u := m.begin(o.order(unbind("T-1"), "ops-1", "sec-1"))
	u.sealed(nothing)
	u.deliver()
	u.ticket()
	u.answer(u.command.Case, 2, u.order.Digest(), command.Completed).want(t, 200, "")
	u.put(u.at("certificate", 1), u.certificate(1, func(p *certificate.Predicate) {
		p.Media[0].Verified, p.Verified = certificate.Fail, certificate.Fail
	})).want(t, 200, "")
	id, dir := string(u.command.Case), string(o.dir)
	o.cli("validate", id, "--dir", dir, "--accept-partial", "--key", o.dir.Key("rel-1"))
	for kind, flags := range map[string][]string{
		"amend": {"amend", "--case", id, "--allow", "close-partial"},
		"close": {"close", "--case", id},
	} {
		path := o.file("order.json")
		says(t, o.cli(append([]string{"issue", flags[0], "--dir", dir, "--out", path}, flags[1:]...)...), "rel-1 has validated this case")
		for _, holder := range []string{"ops-2", "sec-1", "rel-1"} {
			o.cli("sign", "--key", o.dir.Key(holder), path)
		}
		_, said, exit := verb(t, "publish", "--dir", dir, path)
		if exit != exitRefused || !strings.Contains(said, "[E05:same-holder]") || !strings.Contains(said, "rel-1 has validated the case's certificate") {
			t.Errorf("%s: exit %d, %s", kind, exit, said)
		}
		folder := u.exported()
		o.check(os.MkdirAll(filepath.Join(folder, "orders"), 0o755))
		text, err := os.ReadFile(path)
		o.check(err)
		o.check(os.WriteFile(filepath.Join(folder, "orders", kind+"-1.json"), text, 0o600))
		what := map[string]string{"amend": "amendment", "close": "close"}[kind]
		says(t, u.line(folder, "validation"), "failed", "rel-1 took part in the case (signed the "+what+")")
	}
	says(t, u.line(u.exported(), "validation"), "ok")
}
