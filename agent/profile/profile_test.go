package profile

import (
	"bytes"
	"crypto/ed25519"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

func key(name string) envelope.Signer {
	return envelope.NewSigner(ed25519.NewKeyFromSeed(bytes.Repeat([]byte(name), 32)[:32]))
}

func good() Profile {
	return Profile{
		Action: "rebind", Checklists: []envelope.ID{}, ID: "p", Inventory: []Place{{Class: AppData, Path: "/var/lib/pos"}}, Papers: []envelope.ID{},
		Reasons: []envelope.ID{"closed"}, Scope: []envelope.ID{AppData, HostKeys, Ledger, ReaderKeys}, Slots: []envelope.ID{"TMK"}, V: 1,
	}
}

func seal(t testing.TB, v any, by ...string) *envelope.Envelope {
	t.Helper()
	e, err := envelope.Seal(envelope.Type(Kind), v)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range by {
		if err := e.Add(key(name)); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

// naming is a trust bundle that names the profile by digest.
func naming(t testing.TB, e *envelope.Envelope) *trust.Trust {
	t.Helper()
	b := trust.Bundle{
		Keys: map[envelope.KeyID]trust.Key{}, Log: trust.Log{Key: key("root-1").Public().ID(), Origin: "d"},
		Profiles: map[envelope.ID]envelope.Digest{"p": e.Digest()}, Recipients: map[envelope.ID][]trust.Recipient{}, Revoked: []envelope.KeyID{},
		Rules: trust.DefaultRules(), SPKI: []envelope.Digest{}, V: 1, Version: 1,
	}
	for name, role := range map[string]trust.Role{
		"root-1": trust.Root, "root-2": trust.Root, "root-3": trust.Root, "ops-1": trust.Operations, "sec-1": trust.Security,
	} {
		pub := key(name).Public()
		b.Keys[pub.ID()] = trust.Key{Alg: pub.Alg, Holder: envelope.ID(name), Pub: pub.Pub, Role: role}
	}
	env, err := envelope.Seal(envelope.Type(trust.Kind), b, key("root-1"), key("root-2"), key("root-3"))
	if err != nil {
		t.Fatal(err)
	}
	tr, err := trust.Anchor(env, env.Digest())
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestOpen(t *testing.T) {
	bent := func(f func(*Profile)) Profile { p := good(); f(&p); return p }
	cases := []struct {
		name, want string
		p          Profile
		by         []string
	}{
		{"good", "", good(), []string{"ops-1", "sec-1"}},
		{"one signature", "E05:missing-role", good(), []string{"ops-1"}},
		{"version", "E07:profile", bent(func(p *Profile) { p.V = 2 }), []string{"ops-1", "sec-1"}},
		{"reader left out of the scope", "E17:profile", bent(func(p *Profile) { p.Scope = []envelope.ID{AppData, HostKeys, Ledger} }), []string{"ops-1", "sec-1"}},
		{"inventory outside the scope", "E17:profile", bent(func(p *Profile) { p.Inventory[0].Class = Software }), []string{"ops-1", "sec-1"}},
		{"unknown class", "E17:profile", bent(func(p *Profile) { p.Inventory[0].Class = "everything"; p.Scope = append(p.Scope, "everything") }), []string{"ops-1", "sec-1"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := seal(t, c.p, c.by...)
			if _, err := Open(e, naming(t, e)); envelope.CodeOf(err) != c.want {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	other := seal(t, bent(func(p *Profile) { p.Reasons = nil; p.Reasons = []envelope.ID{"x"} }), "ops-1", "sec-1")
	if _, err := Open(other, naming(t, seal(t, good(), "ops-1", "sec-1"))); envelope.CodeOf(err) != "E17:profile" {
		t.Errorf("a profile that the bundle does not name: %v", err)
	}
}

func TestAdmits(t *testing.T) {
	p := good()
	full := []envelope.ID{AppData, HostKeys, Ledger, ReaderKeys}
	cases := []struct {
		name           string
		action, reason envelope.ID
		scope          []envelope.ID
		want           string
	}{
		{"as the profile says", "rebind", "closed", full, ""},
		{"less than it allows", "rebind", "closed", full[1:], ""},
		{"another action", "retire", "closed", full, "action"},
		{"another reason", "rebind", "bored", full, "reason"},
		{"beyond the profile", "rebind", "closed", append(append([]envelope.ID{}, full...), Software), "scope"},
		{"without the reader", "rebind", "closed", full[:3], "scope"},
		{"without the ledger", "rebind", "closed", []envelope.ID{HostKeys, ReaderKeys}, "scope"},
		{"not sorted", "rebind", "closed", []envelope.ID{ReaderKeys, Ledger, HostKeys}, "scope"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if detail, why := p.Admits(c.action, c.reason, c.scope); detail != c.want || (detail == "") != (why == "") {
				t.Errorf("got %q (%s), want %q", detail, why, c.want)
			}
		})
	}
}

func FuzzOpen(f *testing.F) {
	e := seal(f, good(), "ops-1", "sec-1")
	tr := naming(f, e)
	f.Add(e.Encode())
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := envelope.Parse(text, envelope.MaxSize)
		if err != nil {
			return
		}
		if _, err := Open(got, tr); err == nil && got.Digest() != e.Digest() {
			t.Fatal("a profile that nobody signed was opened")
		}
	})
}

func TestAPlaceThatNoTerminalErases(t *testing.T) {
	for path, good := range map[string]bool{
		"/var/lib/pos": true, "/var/log/pay/*.log": true, "/data/[ab]?": true, "/var/*/x": true, "/var/a?/x": true, "/srv/[ab]?/x*": true,
		"/": false, "": false, "var/lib": false, "/var/../etc": false, "/var//lib": false, "/var/": false, "/var/[a": false, "/var/[a/x": false, "/var/x\x00": false, "/a\\b/c": false,
		"/*": false, "/*/log": false, "/var/**": false, "/var/**/x": false,
	} {
		if err := (Place{Class: AppData, Path: path}).Check(); (err == nil) != good {
			t.Errorf("%q: %v", path, err)
		}
	}
}
