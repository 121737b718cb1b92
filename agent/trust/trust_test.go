package trust

import (
	"bytes"
	"crypto/ed25519"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"unbindd/agent/envelope"
)

// person is a holder with one key of one role.
type person struct {
	holder envelope.ID
	role   Role
	sign   envelope.Signer
}

func someone(holder string, role Role) person {
	seed := bytes.Repeat([]byte(holder+string(role)), 32)[:32]
	return person{envelope.ID(holder), role, envelope.NewSigner(ed25519.NewKeyFromSeed(seed))}
}

func (p person) id() envelope.KeyID { return p.sign.Public().ID() }

var (
	roots = []person{someone("root-1", Root), someone("root-2", Root), someone("root-3", Root)}
	ops   = someone("ops-1", Operations)
	ops2  = someone("ops-2", Operations)
	sec   = someone("sec-1", Security)
	rel   = someone("rel-1", Release)
	both  = someone("ops-1", Security) // ops-1 again, with a second key of another role
)

func keysOf(people ...person) map[envelope.KeyID]Key {
	keys := map[envelope.KeyID]Key{}
	for _, p := range people {
		keys[p.id()] = Key{Alg: envelope.Ed25519, Holder: p.holder, Pub: p.sign.Public().Pub, Role: p.role}
	}
	return keys
}

func bundle(version int64, people ...person) Bundle {
	return Bundle{
		Expires: 2_000_000_000, Issued: 1_700_000_000, Keys: keysOf(people...), Log: Log{Key: ops.id(), Origin: "desk/demo"},
		Profiles: map[envelope.ID]envelope.Digest{}, Recipients: map[envelope.ID][]Recipient{}, Revoked: []envelope.KeyID{},
		Rules: DefaultRules(), SPKI: []envelope.Digest{}, V: 1, Version: version,
	}
}

func everyone() []person { return append([]person{ops, ops2, sec, rel, both}, roots...) }

func sealed(t testing.TB, kind string, v any, people ...person) *envelope.Envelope {
	t.Helper()
	e, err := envelope.Seal(envelope.Type(kind), v)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range people {
		if err := e.Add(p.sign); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

func first(t testing.TB) *Trust {
	t.Helper()
	e := sealed(t, Kind, bundle(1, everyone()...), roots...)
	tr, err := Anchor(e, e.Digest())
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

type order struct {
	V int `json:"v"`
}

func TestPeopleAreCountedNotKeys(t *testing.T) {
	tr := first(t)
	stranger := someone("ops-9", Operations)
	cases := []struct {
		name   string
		people []person
		extra  []Role
		want   string
	}{
		{"right people", []person{ops, sec}, nil, ""},
		{"in any order", []person{sec, ops2}, nil, ""},
		{"one signature", []person{ops}, nil, "E05:missing-role"},
		{"nobody known", []person{stranger}, nil, "E04"},
		{"nobody at all", nil, nil, "E04:unsigned"},
		{"two of one role", []person{ops, ops2}, nil, "E05:missing-role"},
		{"one person, two keys, two roles", []person{ops, both}, nil, "E05:same-holder"},
		{"a second person beside them", []person{ops, both, ops2}, nil, ""},
		{"stranger beside the right ones", []person{stranger, ops, sec}, nil, ""},
		{"further role missing", []person{ops, sec}, []Role{Release}, "E05:missing-role"},
		{"further role", []person{ops, sec, rel}, []Role{Release}, ""},
		{"roots are no operators", roots, nil, "E05:missing-role"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := tr.Verify(sealed(t, "command", order{1}, c.people...), "command", c.extra...)
			if envelope.CodeOf(err) != c.want {
				t.Errorf("got %v, want %q", err, c.want)
			}
			holders := map[envelope.ID]bool{}
			for _, a := range got {
				holders[a.Holder] = true
			}
			if err == nil && len(holders) != 2+len(c.extra) {
				t.Errorf("approved by %v", got)
			}
		})
	}
}

func TestVerifyRefusesOtherThings(t *testing.T) {
	tr := first(t)
	e := sealed(t, "command", order{1}, ops, sec)
	if _, err := tr.Verify(e, "cancel"); envelope.CodeOf(err) != "E03" {
		t.Errorf("another kind: %v", err)
	}
	training := sealed(t, "training-command", order{1}, ops, sec)
	if _, err := tr.Verify(training, "command"); envelope.CodeOf(err) != "E03" {
		t.Errorf("training: %v", err)
	}
	e.Signatures[0].Sig[5] ^= 1
	if _, err := tr.Verify(e, "command"); envelope.CodeOf(err) != "E05:bad-signature" {
		t.Errorf("bent signature: %v", err)
	}
	revoked := tr.WithRevoked([]envelope.KeyID{sec.id()})
	if _, err := revoked.Verify(sealed(t, "command", order{1}, ops, sec), "command"); envelope.CodeOf(err) != "E05:revoked-key" {
		t.Errorf("revoked: %v", err)
	}
	if len(tr.RoleKeys(Security)) != 2 || len(revoked.RoleKeys(Security)) != 1 {
		t.Error("RoleKeys does not leave revoked keys out")
	}
}

// Whatever subset signs, an approval never holds one person twice, and always
// fills every role.
func TestNoApprovalHoldsAPersonTwice(t *testing.T) {
	tr := first(t)
	all := everyone()
	rapid.Check(t, func(rt *rapid.T) {
		var people []person
		for i, p := range all {
			if rapid.Bool().Draw(rt, string(rune('a'+i))) {
				people = append(people, p)
			}
		}
		got, err := tr.Verify(sealed(t, "amend", order{1}, people...), "amend")
		if err != nil {
			return
		}
		holders, roles := map[envelope.ID]bool{}, map[Role]bool{}
		for _, a := range got {
			if holders[a.Holder] {
				rt.Fatalf("%s stands in two places", a.Holder)
			}
			holders[a.Holder], roles[a.Role] = true, true
		}
		if len(holders) < 3 || !roles[Operations] || !roles[Security] || !roles[Release] {
			rt.Fatalf("approved by too few: %v", got)
		}
	})
}

func TestRotation(t *testing.T) {
	bent := bundle(2, everyone()...)
	for id, k := range bent.Keys {
		k.Pub = bytes.Repeat([]byte{9}, 32)
		bent.Keys[id] = k
		break
	}
	if _, _, err := first(t).CatchUp([]*envelope.Envelope{sealed(t, Kind, bent, roots...)}); envelope.CodeOf(err) != "E16:content" {
		t.Errorf("a key under a foreign id: %v", err)
	}
}

func TestAnchor(t *testing.T) {
	e := sealed(t, Kind, bundle(1, everyone()...), roots...)
	if _, err := Anchor(e, envelope.DigestOf([]byte("other"))); envelope.CodeOf(err) != "E16:anchor" {
		t.Errorf("another anchor: %v", err)
	}
	v2 := sealed(t, Kind, bundle(2, everyone()...), roots...)
	if _, err := Anchor(v2, v2.Digest()); envelope.CodeOf(err) != "E16:anchor" {
		t.Errorf("version 2 as anchor: %v", err)
	}
	unsigned := sealed(t, Kind, bundle(1, everyone()...), roots[0])
	if _, err := Anchor(unsigned, unsigned.Digest()); envelope.CodeOf(err) != "E16:thresholds" {
		t.Errorf("one root: %v", err)
	}
	if _, err := Chain(e.Digest(), nil); envelope.CodeOf(err) != "E16:anchor" {
		t.Errorf("nothing: %v", err)
	}
}

func FuzzNext(f *testing.F) {
	tr := first(f)
	f.Add(sealed(f, Kind, bundle(2, everyone()...), roots...).Encode())
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := envelope.Parse(text, envelope.MaxSize)
		if err != nil {
			return
		}
		if next, err := tr.Next(e); err == nil && next.Version != 1 && next.Version != 2 {
			t.Fatalf("took version %d", next.Version)
		} else if err != nil && !strings.HasPrefix(envelope.CodeOf(err), "E16") {
			t.Fatalf("refused without a code of trust: %v", err)
		}
	})
}
