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
