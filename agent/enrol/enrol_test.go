package enrol

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"unbindd/agent/envelope"
)

func key(name string) envelope.Signer {
	return envelope.NewSigner(ed25519.NewKeyFromSeed(bytes.Repeat([]byte(name), 32)[:32]))
}

var digest = envelope.DigestOf([]byte("x"))

func request() Request {
	return Request{Device: key("device").Public(), Nonce: "N", Reader: "PED-1", Serial: "S-1", Terminal: "T-1", Ticket: digest, TLS: []byte{1}, V: 1}
}

func seal(t testing.TB, kind string, v any, by string) *envelope.Envelope {
	t.Helper()
	e, err := envelope.Seal(envelope.Type(kind), v, key(by))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestARequestIsSignedByTheKeyItCarries(t *testing.T) {
	if _, err := OpenRequest(seal(t, "enrol-request", request(), "device")); err != nil {
		t.Error(err)
	}
	if _, err := OpenRequest(seal(t, "enrol-request", request(), "other")); envelope.CodeOf(err) != "E30:signature" {
		t.Errorf("signed by another key: %v", err)
	}
	if _, err := OpenRequest(seal(t, "binding", request(), "device")); envelope.CodeOf(err) != "E03" {
		t.Errorf("another kind: %v", err)
	}
}

func TestABindingMustFit(t *testing.T) {
	ticket := Ticket{Nonce: "N", Serial: "S-1", SPKI: digest, Terminal: "T-1", Trust: digest, URL: "https://d", V: 1}
	good := Binding{Device: key("device").Public(), Epoch: 2, Reader: Reader{SN: "PED-1"}, Serial: "S-1", Terminal: "T-1", V: 1}
	for name, c := range map[string]struct {
		bend func(*Binding)
		want string
	}{
		"good":             {func(*Binding) {}, ""},
		"another terminal": {func(b *Binding) { b.Terminal = "T-2" }, "E30:terminal"},
		"another serial":   {func(b *Binding) { b.Serial = "S-2" }, "E30:terminal"},
		"another device":   {func(b *Binding) { b.Device = key("other").Public() }, "E30:device"},
		"another reader":   {func(b *Binding) { b.Reader.SN = "PED-2" }, "E30:reader"},
		"no higher epoch":  {func(b *Binding) { b.Epoch = 1 }, "E30:epoch"},
	} {
		b := good
		c.bend(&b)
		if err := b.Fits(ticket, request(), 1); envelope.CodeOf(err) != c.want {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

func TestElementIsPinned(t *testing.T) {
	m := append([]byte{0, 17}, "unbindd/element/1"...)
	m = append(append(m, 0, 4), "salt"...)
	m = append(append(m, 0, 5), "value"...)
	sum := sha256.Sum256(m)
	if got := Element([]byte("salt"), "value"); got.Hex() != hex.EncodeToString(sum[:]) {
		t.Errorf("got %s", got)
	}
	if Element([]byte("sal"), "tvalue") == Element([]byte("salt"), "value") {
		t.Error("salt and value run into each other")
	}
}

func FuzzReadTicket(f *testing.F) {
	f.Add(seal(f, "enrol-ticket", Ticket{Nonce: "N", Serial: "S", SPKI: digest, Terminal: "T", Trust: digest, URL: "u", V: 1}, "enrol").Payload)
	f.Fuzz(func(t *testing.T, payload []byte) {
		tk, err := ReadTicket(&envelope.Envelope{PayloadType: envelope.Type("enrol-ticket"), Payload: payload})
		if err == nil && (!tk.Trust.Valid() || !tk.Terminal.Valid()) {
			t.Fatal("read a ticket without an anchor or a terminal")
		}
	})
}
