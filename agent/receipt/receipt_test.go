package receipt

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

func believed(t testing.TB) *trust.Trust {
	t.Helper()
	b := trust.Bundle{
		Keys: map[envelope.KeyID]trust.Key{}, Log: trust.Log{Key: key("receipt-1").Public().ID(), Origin: "d"},
		Profiles: map[envelope.ID]envelope.Digest{}, Recipients: map[envelope.ID][]trust.Recipient{}, Revoked: []envelope.KeyID{},
		Rules: trust.DefaultRules(), SPKI: []envelope.Digest{}, V: 1, Version: 1,
	}
	for name, role := range map[string]trust.Role{
		"root-1": trust.Root, "root-2": trust.Root, "root-3": trust.Root, "ops-1": trust.Operations, "receipt-1": trust.ReceiptKey,
	} {
		pub := key(name).Public()
		b.Keys[pub.ID()] = trust.Key{Alg: pub.Alg, Holder: envelope.ID(name), Pub: pub.Pub, Role: role}
	}
	e, err := envelope.Seal(envelope.Type(trust.Kind), b, key("root-1"), key("root-2"), key("root-3"))
	if err != nil {
		t.Fatal(err)
	}
	tr, err := trust.Anchor(e, e.Digest())
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

var digest = envelope.DigestOf([]byte("x"))

func good() (Receipt, Want) {
	totals := &Totals{Count: 2, Head: digest, Sums: []Sum{{Amount: 5, Count: 2, Currency: "CNY", Kind: "sale", Result: "approved"}}}
	r := Receipt{Case: "C-1", Command: digest, Index: 4, Kind: "backup", N: 1, Received: 7, Subject: digest, Terminal: "T-1", Totals: totals, V: 1, Verified: Restored}
	same := *totals
	return r, Want{Case: "C-1", Command: digest, Kind: "backup", N: 1, Subject: digest, Terminal: "T-1", Totals: &same, Verified: Restored}
}

// Every field of a receipt is compared: bending one is refused by its name.
func TestEveryFieldIsCompared(t *testing.T) {
	other := envelope.DigestOf([]byte("y"))
	cases := []struct {
		name string
		bend func(*Receipt)
		by   string
		want string
	}{
		{"good", func(*Receipt) {}, "receipt-1", ""},
		{"signed by an approver", func(*Receipt) {}, "ops-1", "E24:signer"},
		{"signed by nobody known", func(*Receipt) {}, "stranger", "E24:signer"},
		{"version", func(r *Receipt) { r.V = 2 }, "receipt-1", "E24:v"},
		{"kind", func(r *Receipt) { r.Kind = "certificate" }, "receipt-1", "E24:kind"},
		{"terminal", func(r *Receipt) { r.Terminal = "T-2" }, "receipt-1", "E24:terminal"},
		{"case", func(r *Receipt) { r.Case = "C-2" }, "receipt-1", "E24:case"},
		{"command", func(r *Receipt) { r.Command = other }, "receipt-1", "E24:command"},
		{"number", func(r *Receipt) { r.N = 2 }, "receipt-1", "E24:n"},
		{"subject", func(r *Receipt) { r.Subject = other }, "receipt-1", "E24:subject"},
		{"only looked at", func(r *Receipt) { r.Verified = Checked }, "receipt-1", "E24:verified"},
		{"no totals", func(r *Receipt) { r.Totals = nil }, "receipt-1", "E24:totals"},
		{"count", func(r *Receipt) { r.Totals.Count = 1 }, "receipt-1", "E24:count"},
		{"head", func(r *Receipt) { r.Totals.Head = other }, "receipt-1", "E24:head"},
		{"sum", func(r *Receipt) { r.Totals.Sums[0].Amount = 6 }, "receipt-1", "E24:sums"},
		{"currency", func(r *Receipt) { r.Totals.Sums[0].Currency = "USD" }, "receipt-1", "E24:sums"},
		{"sum left out", func(r *Receipt) { r.Totals.Sums = []Sum{} }, "receipt-1", "E24:sums"},
	}
	tr := believed(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r, want := good()
			totals := *r.Totals
			totals.Sums = append([]Sum{}, totals.Sums...)
			r.Totals = &totals
			c.bend(&r)
			e, err := envelope.Seal(envelope.Type(Kind), r, key(c.by))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Check(e, tr, want); envelope.CodeOf(err) != c.want {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func FuzzCheck(f *testing.F) {
	tr := believed(f)
	r, want := good()
	e, err := envelope.Seal(envelope.Type(Kind), r, key("receipt-1"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(e.Encode())
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := envelope.Parse(text, envelope.MaxSize)
		if err != nil {
			return
		}
		if _, err := Check(got, tr, want); err == nil && got.Digest() != e.Digest() {
			t.Fatal("a receipt that nobody signed was accepted")
		}
	})
}
