package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/agent/profile"
	"unbindd/agent/trust"
)

// newcomer is a person whose key no version has yet.
func (o *office) newcomer(holder string) (by envelope.Signer, public string) {
	o.t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	o.check(err)
	der, err := x509.MarshalPKIXPublicKey(pub)
	o.check(err)
	public = o.file(holder + ".pub")
	o.check(os.WriteFile(public, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o644))
	return envelope.NewSigner(key), public
}

// Who signed the profiles leaves. Whoever drafts, looks and publishes is told that no
// command can be obeyed until they are signed anew; then they are offered again, and
// what was decided under the earlier signatures can be verified as before.
func TestAProfileIsSignedAnewAfterARotation(t *testing.T) {
	t.Setenv("UNBIND_DESK_LANG", "en")
	o := newOffice(t)
	u := whole(t, o, "T-1")
	m := newTerminal(o, "T-2")
	by, public := o.newcomer("ops-9")
	gone := o.signer("ops-1").Public().ID()
	tag := func(version int) string {
		return fmt.Sprintf("rebind-standard (trust version %d, sha256:%.12s)", version, o.believed().Profiles["rebind-standard"].Hex())
	}
	says(t, o.cli("trust", "show", "--dir", string(o.dir)), "profile "+tag(1)+", ")
	draft := func(args ...string) string {
		return o.cli(append([]string{"trust", "draft", "--dir", string(o.dir), "--out", o.file("draft.json")}, args...)...)
	}
	const warned = "does not open under version 2"
	if said := draft("--add", "ops-9:operations="+public); strings.Contains(said, "WARNING") {
		t.Errorf("a draft under which every profile opens warns: %s", said)
	}
	if said := draft("--add", "ops-9:operations="+public, "--remove", string(gone)); !strings.Contains(said, "WARNING: profile "+tag(2)+" "+warned) {
		t.Errorf("the draft says nothing of the profile: %s", said)
	}
	next := o.nextBundle(func(b *trust.Bundle) {
		delete(b.Keys, gone)
		pub := by.Public()
		b.Keys[pub.ID()] = trust.Key{Alg: pub.Alg, Holder: "ops-9", Pub: pub.Pub, Role: trust.Operations}
	})
	if said := o.cli("trust", "check", "--dir", string(o.dir), next); !strings.Contains(said, warned) {
		t.Errorf("who looks at it is told nothing of the profile: %s", said)
	}
	if said := o.cli("trust", "publish", "--dir", string(o.dir), next); !strings.Contains(said, "WARNING: the desk has no profile "+tag(2)) {
		t.Errorf("who publishes it is told nothing of the profile: %s", said)
	}
	if _, got := m.orders(nil); len(got.Profiles) != 0 || len(got.Trust) != 2 {
		t.Fatalf("offered: %d profiles, %d versions", len(got.Profiles), len(got.Trust))
	}
	text, err := os.ReadFile(filepath.Join(string(o.dir), "profiles", "rebind-standard.json"))
	o.check(err)
	before := parse(t, text)
	anew := &envelope.Envelope{PayloadType: before.PayloadType, Payload: before.Payload}
	o.check(anew.Add(by))
	o.check(anew.Add(o.signer("sec-1")))
	path := o.file("profile.json")
	o.check(os.WriteFile(path, anew.Encode(), 0o600))
	o.cli("publish", "--dir", string(o.dir), path)
	r, got := m.orders(nil)
	if len(got.Profiles) != 1 {
		t.Fatalf("offered after it was signed anew: %d profiles: %s", len(got.Profiles), r.body)
	}
	if _, err := profile.Open(parse(t, got.Profiles[0]), o.believed()); err != nil {
		t.Errorf("what is offered does not open: %v", err)
	}
	out := filepath.Join(o.work, "export")
	o.cli("cases", "export", string(u.command.Case), "--dir", string(o.dir), "--out", out)
	o.cli("verify", out)
	var told map[string]json.RawMessage
	o.check(json.Unmarshal([]byte(o.cli("trust", "publish", "--dir", string(o.dir), next, "--json")), &told))
	if missing := string(told["profiles_missing"]); strings.Contains(missing, "rebind-standard") || !strings.Contains(missing, "retire-standard") {
		t.Errorf("missing still: %s", missing)
	}
}
