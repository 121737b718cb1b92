package grounds

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"math"
	"testing"

	"unbindd/agent/certificate"
	"unbindd/agent/enrol"
	"unbindd/agent/envelope"
	"unbindd/agent/manifest"
	"unbindd/agent/ticket"
	"unbindd/agent/trust"
)

func asking() manifest.Manifest {
	return manifest.Manifest{
		Command: envelope.DigestOf([]byte("command")), Scope: []int64{1, 2},
		Reader: manifest.Reader{EraCnt: 4, RC: bytes.Repeat([]byte{9}, 16), SN: "PED-1"},
	}
}

func TestOrderFor(t *testing.T) {
	authority := envelope.DigestOf([]byte("receipt"))
	o, err := OrderFor(asking(), authority)
	if err != nil || o.EraCnt != 4 || len(o.Scope) != 2 || o.Authority != authority {
		t.Fatalf("the order is %+v, %v", o, err)
	}
	for code, change := range map[string]func(*manifest.Manifest){
		"E29:challenge": func(m *manifest.Manifest) { m.Reader.RC = m.Reader.RC[:15] },
		"E29:counter":   func(m *manifest.Manifest) { m.Reader.EraCnt = math.MaxUint32 + 1 },
		"E29:scope":     func(m *manifest.Manifest) { m.Scope = []int64{2, 1} },
	} {
		m := asking()
		change(&m)
		if _, err := OrderFor(m, authority); envelope.CodeOf(err) != code {
			t.Errorf("want %s, got %v", code, err)
		}
	}
	for _, scope := range [][]int64{{}, {1, 1}, {-1}, {65536}} {
		m := asking()
		m.Scope = scope
		if _, err := OrderFor(m, authority); envelope.CodeOf(err) != "E29:scope" {
			t.Errorf("scope %v: %v", scope, err)
		}
	}
}

// The bytes of an erase record, written out once by hand.
func TestRecordMessage(t *testing.T) {
	m, err := RecordMessage(certificate.Record{
		EraCnt: 5, Nonce: bytes.Repeat([]byte{0xaa}, 16), SN: "PED-1", Ticket: bytes.Repeat([]byte{0xbb}, 32),
		Results: []certificate.SlotResult{{Slot: 1}, {Slot: 0x0203, Result: 1}},
	})
	want := "0010" + hex.EncodeToString([]byte("pedlink-record/1")) + "0005" + hex.EncodeToString([]byte("PED-1")) +
		"0004" + "00000005" + "0020" + hex.EncodeToString(bytes.Repeat([]byte{0xbb}, 32)) +
		"0010" + hex.EncodeToString(bytes.Repeat([]byte{0xaa}, 16)) + "0006" + "000100" + "020301"
	if err != nil || hex.EncodeToString(m) != want {
		t.Fatalf("the message is %x, %v\nwant %s", m, err, want)
	}
}

func TestCheckRecord(t *testing.T) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32))
	public, _ := key.Public().(ed25519.PublicKey)
	g := &Grounds{Binding: enrol.Binding{Reader: enrol.Reader{Pub: public, SN: "PED-1"}}}
	o, err := OrderFor(asking(), envelope.DigestOf(nil))
	if err != nil {
		t.Fatal(err)
	}
	digest, err := o.Digest()
	if err != nil {
		t.Fatal(err)
	}
	signed := func(change func(*certificate.Record)) certificate.Record {
		r := certificate.Record{
			EraCnt: 5, Nonce: make([]byte, 16), SN: "PED-1", Ticket: digest[:],
			Results: []certificate.SlotResult{{Slot: 1}, {Slot: 2, Result: 1}},
		}
		change(&r)
		m, err := RecordMessage(r)
		if err != nil {
			t.Fatal(err)
		}
		r.Sig = ed25519.Sign(key, m)
		return r
	}
	check := func(r certificate.Record, o ticket.Order, erased bool) error {
		if err := g.CheckRecord(r); err != nil {
			return err
		}
		return Answers(r, o, erased)
	}
	failed := signed(func(r *certificate.Record) { r.Results[1].Result = 2 })
	for name, c := range map[string]struct {
		record certificate.Record
		erased bool
		ok     bool
	}{
		"as it should be":         {signed(func(*certificate.Record) {}), true, true},
		"a slot failed":           {failed, true, false},
		"a slot failed, and told": {failed, false, true},
		"counter stood still":     {signed(func(r *certificate.Record) { r.EraCnt = 4 }), true, false},
		"counter moved by two":    {signed(func(r *certificate.Record) { r.EraCnt = 6 }), true, false},
		"another ticket":          {signed(func(r *certificate.Record) { r.Ticket = make([]byte, 32) }), true, false},
		"a slot is missing":       {signed(func(r *certificate.Record) { r.Results = r.Results[:1] }), true, false},
		"another reader":          {signed(func(r *certificate.Record) { r.SN = "PED-2" }), true, false},
	} {
		if err := check(c.record, o, c.erased); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	spoiled := signed(func(*certificate.Record) {})
	spoiled.Sig[3] ^= 1
	if err := check(spoiled, o, true); err == nil {
		t.Error("a spoiled signature passes")
	}
}

// Who is still to sign is what a bundle's rule demands in all, not by role alone:
// signatures beyond the roles count as they do when the order is published.
func TestApprovalCountsTheTotal(t *testing.T) {
	people := map[envelope.ID]envelope.Signer{}
	b := trust.Bundle{Version: 1, Keys: map[envelope.KeyID]trust.Key{}, Rules: map[string]trust.Rule{
		"close": {Need: map[trust.Role]int{trust.Operations: 1, trust.Security: 1}, Total: 3},
	}}
	for i, of := range []trust.Role{trust.Operations, trust.Operations, trust.Security, trust.Security, trust.Release} {
		s := envelope.NewSigner(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(i + 1)}, 32)))
		name := envelope.ID(string(of) + string(rune('0'+i)))
		people[name] = s
		b.Keys[s.Public().ID()] = trust.Key{Alg: s.Public().Alg, Holder: name, Pub: s.Public().Pub, Role: of}
	}
	for _, c := range []struct {
		by            []envelope.ID
		missing, more int
		code          string
	}{
		{nil, 2, 1, ""},
		{[]envelope.ID{"operations0"}, 1, 1, ""},
		{[]envelope.ID{"operations0", "operations1"}, 1, 0, ""},
		{[]envelope.ID{"operations0", "security2"}, 0, 1, ""},
		{[]envelope.ID{"operations0", "security2", "security3"}, 0, 0, ""},
		{[]envelope.ID{"operations0", "operations1", "security2"}, 0, 0, ""},
		{[]envelope.ID{"operations0", "operations1", "security2", "security3"}, 0, 0, "E05:role"},
		{[]envelope.ID{"operations0", "release4"}, 0, 0, "E05:role"},
	} {
		e := &envelope.Envelope{PayloadType: envelope.Type("close"), Payload: []byte(`{}`)}
		for _, name := range c.by {
			signed, err := envelope.Seal(envelope.Type("close"), struct{}{}, people[name])
			if err != nil {
				t.Fatal(err)
			}
			e.Signatures = append(e.Signatures, signed.Signatures...)
		}
		a, err := Approve(&trust.Trust{Bundle: b}, e)
		if envelope.CodeOf(err) != c.code || err == nil && (len(a.Missing) != c.missing || a.More != c.more) {
			t.Errorf("signed by %v: missing %v and %d more, %v", c.by, a.Missing, a.More, err)
		}
		if c.code != "" || len(c.by) == 0 {
			continue
		}
		_, err = (&trust.Trust{Bundle: b}).Verify(e, "close")
		if whole := len(a.Missing) == 0 && a.More == 0; (err == nil) != whole {
			t.Errorf("signed by %v: told as whole: %v, and verified: %v", c.by, whole, err)
		}
	}
}
