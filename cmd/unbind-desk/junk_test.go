package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/directory"
	"unbindd/cmd/unbind-desk/internal/dossier"
)

// failures are the checks that a list of one line a check calls failed.
func failures(told string) (all []string) {
	for _, m := range regexp.MustCompile(`(?mi)^failed +(\S+(?: \S+)*)  `).FindAllStringSubmatch(told, -1) {
		all = append(all, m[1])
	}
	return all
}

// later puts a second trust version into a folder, which takes a newcomer in.
func (o *office) later(folder string) envelope.KeyID {
	o.t.Helper()
	by, public := o.newcomer("ops-9")
	key := by.Public()
	text, err := os.ReadFile(public)
	o.check(err)
	o.check(os.WriteFile(filepath.Join(folder, filepath.FromSlash(dossier.KeyFile(key.ID()))), text, 0o600))
	text, err = os.ReadFile(filepath.Join(folder, "trust.json"))
	o.check(err)
	all, err := directory.ParseArray(text)
	o.check(err)
	var b trust.Bundle
	o.check(envelope.Decode(all[0].Payload, &b))
	b.Version, b.Keys[key.ID()] = 2, trust.Key{Alg: key.Alg, Holder: "ops-9", Pub: key.Pub, Role: trust.Operations}
	next, err := envelope.Seal(envelope.Type(trust.Kind), b, o.signer("root-1"), o.signer("root-2"), o.signer("root-3"))
	o.check(err)
	array, err := directory.Array(append(all, next))
	o.check(err)
	o.check(os.WriteFile(filepath.Join(folder, "trust.json"), array, 0o600))
	return key.ID()
}

// junk adds to an envelope a signature that fits nothing, in the name of a key.
func junk(t *testing.T, path string, id envelope.KeyID) {
	edit(t, path, func(text []byte) []byte {
		e := parse(t, text)
		e.Signatures = append(e.Signatures, envelope.Signature{KeyID: id, Sig: make([]byte, 64)})
		return e.Encode()
	})
}

// A signature that fits nothing spoils an object where the version by which it is judged
// knows its key, and is passed over where it does not; it makes nobody a signer. Our own
// verifier, the script and the page see the same.
func TestJunkUnderALaterKeyIsJudgedTheSameWay(t *testing.T) {
	t.Setenv("UNBIND_DESK_LANG", "en")
	o := newOffice(t)
	u := wholeInAWave(o)
	o.cli("validate", string(u.command.Case), "--dir", string(o.dir), "--key", o.dir.Key("cust-1"))
	case_ := u.exported()
	o.check(os.RemoveAll(filepath.Join(case_, "proofs")))                  // they are under the log key of now
	o.check(os.Remove(filepath.Join(case_, "index.json")))                 // nothing may be put in beside it
	page, _, _ := strings.Cut(withoutIndex(pageCommands(t)), "in_hex() {") // signatures; what follows needs more of the case than is here
	later := o.later(case_)
	for _, c := range []struct {
		files []string
		fails []string
	}{
		{[]string{"command.json", "receipts/certificate.json"}, []string{"certificate receipt"}},
		{[]string{"command.json"}, nil},
		{[]string{"campaign.json"}, nil},
		{[]string{"profile.json", "binding.json", "enrol-ticket.json"}, nil},
		{[]string{"validation.json"}, []string{"validation"}},
	} {
		t.Run(strings.Join(c.files, " "), func(t *testing.T) {
			judge := func(dir string) {
				for _, file := range c.files {
					junk(t, filepath.Join(dir, file), later)
				}
				ours, _, _ := verb(t, "verify", dir)
				if got := failures(ours); !slices.Equal(got, c.fails) {
					t.Errorf("verify fails %q, want %q:\n%s", got, c.fails, ours)
				}
				if os.Getenv("CHECKING") == "" {
					return // the script is made to see it in TestCheckCaseHoldsTheLog and TestACaseOutlivesTheKeysThatSignedIt
				}
				said, _ := exec.Command("../../scripts/check-case.sh", dir).CombinedOutput() // its lines are looked at
				theirs := slices.DeleteFunc(failures(string(said)), func(check string) bool { return check == "certificate" })
				if !slices.Equal(theirs, c.fails) {
					t.Errorf("check-case fails %q, want %q:\n%s", theirs, c.fails, said)
				}
			}
			if os.Getenv("CHECKING") == "" {
				dir := o.file("copy")
				o.check(os.CopyFS(dir, os.DirFS(case_)))
				judge(dir)
				return
			}
			told, err := o.follow(page, case_, judge)
			if spoiled := slices.Contains(c.fails, "certificate receipt"); spoiled != (err != nil) { // the page knows no validation
				t.Errorf("the page's commands end with %v:\n%s", err, told)
			}
		})
	}
}
