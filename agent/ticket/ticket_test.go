package ticket

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
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
		Keys: map[envelope.KeyID]trust.Key{}, Log: trust.Log{Key: key("reader-1").Public().ID(), Origin: "d"},
		Profiles: map[envelope.ID]envelope.Digest{}, Recipients: map[envelope.ID][]trust.Recipient{}, Revoked: []envelope.KeyID{},
		Rules: trust.DefaultRules(), SPKI: []envelope.Digest{}, V: 1, Version: 1,
	}
	for name, role := range map[string]trust.Role{
		"root-1": trust.Root, "root-2": trust.Root, "root-3": trust.Root, "reader-1": trust.Reader, "receipt-1": trust.ReceiptKey,
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

func order() Order {
	return Order{
		SN: "PED-1", RC: bytes.Repeat([]byte{7}, 16), EraCnt: 3, Scope: []uint16{1, 2, 5},
		Command: envelope.DigestOf([]byte("command")), Authority: envelope.DigestOf([]byte("receipt")),
	}
}

// The message is pinned byte by byte: a reader's maker works from it.
func TestMessageIsPinned(t *testing.T) {
	m, err := order().Message()
	if err != nil {
		t.Fatal(err)
	}
	command, authority := sha256.Sum256([]byte("command")), sha256.Sum256([]byte("receipt"))
	want := "0010" + hex.EncodeToString([]byte("pedlink-ticket/1")) + "0005" + hex.EncodeToString([]byte("PED-1")) +
		"0010" + "07070707070707070707070707070707" + "0004" + "00000003" + "0006" + "000100020005" +
		"0020" + hex.EncodeToString(command[:]) + "0020" + hex.EncodeToString(authority[:])
	if got := hex.EncodeToString(m); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestATicketIsForOneOrderOnly(t *testing.T) {
	tr := believed(t)
	f, err := order().Sign(key("reader-1"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := envelope.Canonical(f)
	if err != nil {
		t.Fatal(err)
	}
	if f, err = Read(append(text, '\n')); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name string
		bend func(*Order)
		want string
	}{
		{"the order", func(*Order) {}, ""},
		{"another reader", func(o *Order) { o.SN = "PED-2" }, "E29:reader"},
		{"another challenge", func(o *Order) { o.RC = bytes.Repeat([]byte{8}, 16) }, "E29:challenge"},
		{"no challenge", func(o *Order) { o.RC = nil }, "E29:challenge"},
		{"another counter", func(o *Order) { o.EraCnt = 4 }, "E29:counter"},
		{"more slots", func(o *Order) { o.Scope = append(o.Scope, 9) }, "E29:scope"},
		{"another command", func(o *Order) { o.Command = o.Authority }, "E29:signature"},
		{"another receipt", func(o *Order) { o.Authority = o.Command }, "E29:signature"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			o := order()
			c.bend(&o)
			bytes, err := f.Check(o, tr)
			if envelope.CodeOf(err) != c.want {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if m, _ := o.Message(); err == nil && len(bytes) != 2+len(m)+ed25519.SignatureSize {
				t.Errorf("%d bytes for the reader", len(bytes))
			}
		})
	}
	forged, err := order().Sign(key("receipt-1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := forged.Check(order(), tr); envelope.CodeOf(err) != "E29:signature" {
		t.Errorf("the desk's key makes a ticket: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	t, err := order().Sign(key("reader-1"))
	if err != nil {
		f.Fatal(err)
	}
	text, err := envelope.Canonical(t)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		if file, err := Read(text); err == nil {
			if again, err := envelope.Canonical(file); err != nil || !bytes.Equal(again, bytes.TrimSpace(text)) {
				t.Fatal("read, but not canonical")
			}
		}
	})
}
