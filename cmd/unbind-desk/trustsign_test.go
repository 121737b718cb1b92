package main

import (
	"crypto/ed25519"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"unbindd/agent/backup"
	"unbindd/agent/envelope"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/directory"
	"unbindd/cmd/unbind-desk/internal/rotation"
)

// newKey makes a key for a person: the file, the file of its public half, its id.
func (o *office) newKey() (private, public string, id envelope.KeyID) {
	o.t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	o.check(err)
	private, public = o.file("new.pem"), o.file("new.pub")
	o.check(authority.CreateKey(private, key))
	by := envelope.NewSigner(key).Public()
	text, err := authority.PublicPEM(by)
	o.check(err)
	o.check(os.WriteFile(public, text, 0o600))
	return private, public, by.ID()
}

// A root whose own key is exchanged signs with both: the version in force knows the
// old one, the next one the new. Where one version counts both, he signs once.
func TestARootExchangesHisOwnKey(t *testing.T) {
	o := newOffice(t)
	dir := string(o.dir)
	had, id := o.dir.Key("root-1"), o.signer("root-1").Public().ID()
	sign := func(file, key string) []string {
		return []string{"trust", "sign", "--trust", o.dir.Trust(), "--anchor", o.trusted(), "--key", key, file}
	}
	draft := func(flags ...string) string {
		file := o.file("next.json")
		o.cli(append([]string{"trust", "draft", "--trust", o.dir.Trust(), "--out", file}, flags...)...)
		return file
	}
	for _, how := range []string{"--remove", "--revoke"} {
		key, public, next := o.newKey()
		file := draft("--add", "root-1:root="+public, how, string(id))
		for _, k := range []string{had, key, o.dir.Key("root-2"), o.dir.Key("root-3")} {
			o.cli(sign(file, k)...)
		}
		o.refuses("E05:same-holder", sign(file, had)...)
		o.refuses("E05:same-holder", sign(file, key)...)
		o.cli("trust", "publish", "--dir", dir, file)
		had, id = key, next
	}
	if o.believed().Version != 3 {
		t.Fatalf("version %d is in force", o.believed().Version)
	}
	key, public, _ := o.newKey()
	file := draft("--add", "root-1:root="+public)
	o.cli(sign(file, had)...)
	o.refuses("E05:same-holder", sign(file, key)...)
}

// What is signed is said before it is signed, the log's name and the end of pins too.
func TestChangesAreSaidBeforeSigning(t *testing.T) {
	t.Setenv("UNBIND_DESK_LANG", "en")
	o := &office{t: t, work: t.TempDir()}
	o.dir = directory.Dir(filepath.Join(o.work, "desk"))
	o.cli("init", "--dir", string(o.dir))
	b := o.believed().Bundle
	file := o.nextBundle(func(b *trust.Bundle) { b.Log.Origin = "another.example/log" })
	told, _, exit := verb(t, "trust", "sign", "--trust", o.dir.Trust(), "--key", o.dir.Key("ops-1"), file)
	if exit != exitRefused {
		t.Fatalf("signed by who is no root: exit %d", exit)
	}
	says(t, told, "Version 2 changes against version 1", "CHANGED log key", string(b.Log.Origin)+", signed by ", "-> another.example/log, signed by ")
	pins := b
	pins.SPKI = nil
	if said := strings.Join(changeWords(rotation.Compare(b, pins)), "\n"); !strings.Contains(said, "goes on believing it") {
		t.Errorf("of a pin that goes it is said: %s", said)
	}
	help := o.cli("trust", "draft", "--help")
	says(t, help, "goes on believing it until it is enrolled anew")
}

// A set that the desk could not open is refused when it is new or changed; one that it
// opens beside others is taken.
func TestADeskTakesNoSetThatItCannotOpen(t *testing.T) {
	o := newOffice(t)
	_, stranger, err := backup.NewRecipient()
	o.check(err)
	escrow := trust.Recipient{Age: envelope.Recipient(stranger), Holder: "escrow", ProvedAt: 1795392000}
	publish := func(change func(*trust.Bundle)) []string {
		return []string{"publish", "--dir", string(o.dir), o.nextBundle(change)}
	}
	o.refuses("E16:desk-opener", publish(func(b *trust.Bundle) { b.Recipients["rcp-demo"] = []trust.Recipient{escrow} })...)
	o.refuses("E16:desk-opener", publish(func(b *trust.Bundle) { b.Recipients["rcp-2"] = []trust.Recipient{escrow} })...)
	o.refuses("E16:unreachable", publish(func(b *trust.Bundle) {
		b.Rules["command"] = trust.Rule{Need: map[trust.Role]int{trust.Custodian: 2}, Total: 2}
	})...)
	o.refuses("E16:holder", publish(func(b *trust.Bundle) { // one person, two names
		for id, key := range b.Keys {
			if key.Holder == "ops-2" {
				key.Holder = "ops-9"
				b.Keys[id] = key
			}
		}
	})...)
	o.refuses("E16:recipients", publish(func(b *trust.Bundle) { b.Recipients = map[envelope.ID][]trust.Recipient{} })...)
	o.cli(publish(func(b *trust.Bundle) { b.Recipients["rcp-demo"] = append(b.Recipients["rcp-demo"], escrow) })...)
}
