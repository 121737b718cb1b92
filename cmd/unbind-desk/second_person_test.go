package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/authority"
)

// signedValidation writes a right validation of a case, signed past the verb.
func (u *unbinding) signedValidation(holder string) string {
	u.t.Helper()
	e, err := envelope.Seal(envelope.Statement, u.validation(), u.desk.signer(holder))
	u.check(err)
	path := u.desk.file("signed.json")
	u.check(os.WriteFile(path, e.Encode(), 0o600))
	return path
}

// wholeInAWave carries a case to its end whose command was published in a campaign.
func wholeInAWave(o *office) *unbinding {
	o.t.Helper()
	m := newTerminal(o, "T-1")
	m.trade(3)
	file, orders, _ := o.wave([]string{"T-1"}, "ops-2", "sec-1", "rel-1")
	o.cli(o.publishWave(file, orders...)...)
	order, err := readEnvelope(orders[0])
	o.check(err)
	u := m.begin(order)
	finish(u)
	return u
}

// Who signed the campaign that the command was published in, and who counted the
// backup again, had a hand in the case: at the desk, and for whoever verifies it.
func TestWhoTookPartDoesNotValidate(t *testing.T) {
	t.Setenv("UNBIND_DESK_LANG", "en")
	o := newOffice(t)
	u := wholeInAWave(o)
	o.cli("custody", "check", string(u.command.Case), "--dir", string(o.dir), "--identity", o.dir.Identity(), "--key", o.dir.Key("cust-1"))
	for holder, hand := range map[string]string{"rel-1": "campaign.json", "cust-1": "receipts/custody.json"} {
		path := u.signedValidation(holder)
		if _, problems, exit := verb(t, "publish", "--dir", string(o.dir), path); exit != exitRefused || !strings.Contains(problems, "E05:same-holder") {
			t.Errorf("the desk takes the word of who signed %s: exit %d, %s", hand, exit, problems)
		}
		folder := u.exported()
		text, err := os.ReadFile(path)
		o.check(err)
		o.check(os.WriteFile(filepath.Join(folder, "validation.json"), text, 0o600))
		if line := u.line(folder, "validation"); !strings.Contains(line, "failed") || !strings.Contains(line, holder+" took part") {
			t.Errorf("verify takes the word of who signed %s: %s", hand, line)
		}
		if holder == "rel-1" { // the second implementation; a run of it takes its time
			said, _ := exec.Command("../../scripts/check-case.sh", folder).CombinedOutput() // its lines are looked at
			says(t, string(said), "FAILED  validation           rel-1 took part in the case (campaign.json)", "ok      campaign ", "ok      custody ")
		}
	}
}

// Who has validated a case does not count its backup afterwards: the validation would
// not be a second person's any more, and the case would not verify.
func TestWhoValidatedIsNoCustodianOfTheCase(t *testing.T) {
	o := newOffice(t)
	u := whole(t, o, "T-1")
	id, dir := string(u.command.Case), string(o.dir)
	o.cli("validate", id, "--dir", dir, "--key", o.dir.Key("cust-1"))
	o.refuses("E05:same-holder", "custody", "check", id, "--dir", dir, "--identity", o.dir.Identity(), "--key", o.dir.Key("cust-1"))
	o.cli("verify", u.exported())
}

// An anchor out of the folder that it is there to judge is good for looking at a case,
// and is said to be its own; nobody signs on it.
func TestNobodySignsOnTheFoldersOwnAnchor(t *testing.T) {
	t.Setenv("UNBIND_DESK_LANG", "en")
	o := newOffice(t)
	u := whole(t, o, "T-1")
	folder, out := u.exported(), o.file("v.json")
	wrong := string(envelope.DigestOf([]byte("another")))
	for name, verbs := range map[string][]string{
		"validate": {"validate", folder},
		"custody":  {"custody", "check", folder, "--identity", o.dir.Identity()},
	} {
		t.Run(name, func(t *testing.T) {
			says(t, o.cli(verbs...), "The anchor is the folder's own")
			says(t, o.cli(append(verbs, "--json")...), `"anchor": "folder"`)
			key := append(verbs, "--key", o.dir.Key("cust-1"), "--out", out)
			if _, problems, exit := verb(t, key...); exit != exitUsage || exists(out) {
				t.Errorf("signed without an anchor: exit %d, %s", exit, problems)
			}
			if _, problems, exit := verb(t, append(key, "--anchor", wrong)...); exit != exitRefused || exists(out) {
				t.Errorf("signed from another anchor: exit %d, %s", exit, problems)
			}
			if told := o.cli(append(verbs, "--anchor", o.trusted())...); strings.Contains(told, "folder's own") {
				t.Errorf("a given anchor is called the folder's own: %s", told)
			}
		})
	}
	// With --dir it is the directory's, whatever came with the case.
	o.check(os.WriteFile(o.dir.Anchor(), []byte(wrong+"\n"), 0o600))
	if _, problems, exit := verb(t, "validate", string(u.command.Case), "--dir", string(o.dir), "--key", o.dir.Key("rel-1")); exit != exitRefused {
		t.Errorf("signed from the anchor that came with the case: exit %d, %s", exit, problems)
	}
}

// Who was taken out of the trust signs nothing new; what he signed before stays.
func TestWhoHasLeftSignsNothingNew(t *testing.T) {
	o := newOffice(t)
	u, other := whole(t, o, "T-1"), whole(t, o, "T-2")
	dir := string(o.dir)
	counted, early := o.file("counted.json"), o.file("early.json")
	custody := func(u *unbinding, out string) {
		o.cli("custody", "check", u.exported(), "--anchor", o.trusted(), "--identity", o.dir.Identity(), "--key", o.dir.Key("cust-1"), "--out", out)
	}
	custody(u, counted)
	custody(other, early)
	o.cli("publish", "--dir", dir, counted)
	o.cli("trust", "publish", "--dir", dir, o.nextBundle(func(b *trust.Bundle) {
		for id, key := range b.Keys {
			if key.Holder == "rel-1" || key.Holder == "cust-1" {
				delete(b.Keys, id)
			}
		}
		private, _, _ := o.newKey()
		by, err := authority.ReadSigner(private)
		o.check(err)
		successor := by.Public()
		b.Keys[successor.ID()] = trust.Key{Alg: successor.Alg, Holder: "rel-2", Pub: successor.Pub, Role: trust.Release}
	}))
	o.refuses("E04", "publish", "--dir", dir, u.signedValidation("rel-1"))
	o.refuses("E04", "publish", "--dir", dir, early)
	o.cli("publish", "--dir", dir, counted) // the same again
	says(t, u.line(u.exported(), "custody"), "ok")
}
