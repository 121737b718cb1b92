package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/directory"
	"unbindd/cmd/unbind-desk/internal/dossier"
)

// stockAgrees has openssl, jq and sha256sum look at a case. The scripted terminal's
// certificate has no gate, and that is all they may find.
func stockAgrees(t *testing.T, folder string) {
	t.Helper()
	said, _ := exec.Command("../../scripts/check-case.sh", folder).CombinedOutput() // its lines are looked at
	says(t, string(said), "ok      custody              opened and counted again, by cust-1", "ok      validation           accepted as complete, by rel-1", "1 checks FAILED")
	says(t, string(said), "FAILED  certificate          gate differs")
}

// A case whose signers have gone since, one after the other, still verifies under the
// versions that knew them; what a revoked key signed does not, and is called so.
func TestACaseOutlivesTheKeysThatSignedIt(t *testing.T) {
	t.Setenv("UNBIND_DESK_LANG", "en")
	o := newOffice(t)
	u := whole(t, o, "T-1")
	id, dir := string(u.command.Case), string(o.dir)
	o.cli("custody", "check", id, "--dir", dir, "--identity", o.dir.Identity(), "--key", o.dir.Key("cust-1"))
	o.cli("validate", id, "--dir", dir, "--key", o.dir.Key("rel-1"))
	first, err := os.ReadFile(o.dir.Trust())
	o.check(err)
	for name, c := range map[string]struct {
		holders []string
		revoke  bool
		check   string // that fails, where one does
	}{
		"gone: receipt key":      {[]string{"receipt-1"}, false, ""},
		"gone: approver":         {[]string{"sec-1"}, false, ""},
		"gone: enrol key":        {[]string{"enrol-1"}, false, ""},
		"gone: ticket signer":    {[]string{"reader-1"}, false, ""},
		"gone: all of them":      {[]string{"receipt-1", "sec-1", "ops-1", "enrol-1", "reader-1"}, false, ""},
		"revoked: receipt key":   {[]string{"receipt-1"}, true, "backup receipt"},
		"revoked: approver":      {[]string{"sec-1"}, true, "command"},
		"revoked: enrol key":     {[]string{"enrol-1"}, true, "command"},
		"revoked: second signer": {[]string{"ops-2"}, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			folder := u.exported()
			o.check(os.RemoveAll(filepath.Join(folder, "proofs"))) // they are under the log key of now
			o.check(os.Remove(filepath.Join(folder, "index.json")))
			all, err := directory.ParseArray(first)
			o.check(err)
			b := o.believed().Bundle
			by, public := o.newcomer("late-1")
			o.check(os.Rename(public, filepath.Join(folder, filepath.FromSlash(dossier.KeyFile(by.Public().ID())))))
			b.Version, b.Keys = 2, map[envelope.KeyID]trust.Key{}
			gone := map[envelope.ID]bool{}
			for _, h := range c.holders {
				gone[envelope.ID(h)] = true
			}
			for id, key := range o.believed().Keys {
				switch {
				case !gone[key.Holder]:
					b.Keys[id] = key
				case c.revoke:
					b.Revoked = append(b.Revoked, id)
				}
			}
			late := by.Public() // and somebody has put his name to the command, who came after it
			b.Keys[late.ID()] = trust.Key{Alg: late.Alg, Holder: "late-1", Pub: late.Pub, Role: trust.Release}
			junk(t, filepath.Join(folder, "command.json"), late.ID())
			next, err := envelope.Seal(envelope.Type(trust.Kind), b, o.signer("root-1"), o.signer("root-2"), o.signer("root-3"))
			o.check(err)
			array, err := directory.Array(append(all, next))
			o.check(err)
			o.check(os.WriteFile(filepath.Join(folder, "trust.json"), array, 0o600))
			out, _, exit := verb(t, "verify", folder)
			if c.check == "" {
				if exit != exitDone {
					t.Errorf("it does not verify any more:\n%s", out)
				}
				if len(c.holders) > 1 {
					stockAgrees(t, folder)
				}
				return
			}
			says(t, u.line(folder, c.check), "failed", "revoked")
			if exit == exitDone {
				t.Error("what a revoked key signed verifies")
			}
		})
	}
}

// What an approver signed before he was revoked is still handed out, for whoever has to
// look at it; verify says what does not hold any more.
func TestACaseIsExportedAfterItsSignerWasRevoked(t *testing.T) {
	t.Setenv("UNBIND_DESK_LANG", "en")
	o := newOffice(t)
	u := whole(t, o, "T-1")
	o.cli("publish", "--dir", string(o.dir), o.nextBundle(func(b *trust.Bundle) {
		for id, key := range b.Keys {
			if key.Holder == "ops-1" {
				delete(b.Keys, id)
				b.Revoked = append(b.Revoked, id)
			}
		}
	}))
	folder := u.exported()
	says(t, u.line(folder, "command"), "failed", "revoked")
	for _, holder := range []string{"ops-1", "reader-1"} { // the ticket names no key
		key := o.signer(holder).Public().ID()
		if _, err := os.Stat(filepath.Join(folder, filepath.FromSlash(dossier.KeyFile(key)))); err != nil {
			t.Errorf("the key of %s is not there: %v", holder, err)
		}
	}
}
