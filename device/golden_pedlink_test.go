package device

import (
	"bytes"
	"crypto/ed25519"
	"slices"
	"testing"
)

// goldenSession stands where the first session of the document ends.
func goldenSession(t *testing.T, g map[string][]byte) *session {
	t.Helper()
	s, err := newSession(goldenSecret(t, g["session-link-key"]), g["session-host-nonce"], g["session-reader-nonce"])
	if err != nil {
		t.Fatal(err)
	}
	s.sent, s.received = 1, 3
	return s
}

func goldenSecret(t *testing.T, key []byte) Secret {
	t.Helper()
	s, err := NewSecret(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func goldenPayload(t *testing.T, raw []byte) frame {
	t.Helper()
	d := decoder{}
	d.feed(raw)
	f, v := d.next()
	if v != whole {
		t.Fatal("the frame is not read")
	}
	return f
}

func TestGoldenIdentityTellsCapabilities(t *testing.T) {
	f := parseFields(goldenPayload(t, golden(t)["frame-info-answer"]).payload[4:])
	id, err := parseIdentity(f)
	if err != nil || id.Serial != "PED-0001" || id.Revision != 2 || id.Rotations != 0 {
		t.Errorf("%+v, %v", id, err)
	}
	if !slices.Equal(offered(f), pedlinkOffers) || f.err != nil {
		t.Errorf("offers %v, %v", offered(f), f.err)
	}
}

func TestGoldenHelloNamesItsKey(t *testing.T) {
	g := golden(t)
	c := &pedlink{rotates: true}
	hello, err := c.hello(g["session-host-nonce"], goldenSecret(t, g["session-link-key"]))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "hello", hello, goldenPayload(t, g["frame-hello-kcv"]).payload)
	c.rotates = false
	if hello, err = c.hello(g["session-host-nonce"], goldenSecret(t, g["session-link-key"])); err != nil {
		t.Fatal(err)
	}
	same(t, "hello to revision 1", hello, goldenPayload(t, g["frame-hello"]).payload)
}

// Commands 3 to 5 of the session, each with its answer.
func TestGoldenCommands(t *testing.T) {
	g := golden(t)
	s := goldenSession(t, g)
	link := goldenSecret(t, g["session-link-key"])
	wrapped, err := wrapLink(link, g["rotation-order"], goldenSecret(t, g["rotation-new-link-key"]))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "wrapped", wrapped, g["rotation-wrapped"])
	for i, c := range []struct {
		name    string
		code    []byte
		body    []byte
		tag     byte
		answers string
	}{
		{"frame-apdu", []byte{3, 2}, appendField(appendField(nil, tagSocket, []byte{1}), tagAPDU, []byte{0, 0x84, 0, 0, 8}),
			tagAPDU, "\x01\x02\x03\x04\x05\x06\x07\x08\x90\x00"},
		{"frame-load", []byte{1, 3}, appendField(appendField16(nil, tagSlot, 0x11), tagKeyBlock, g["load-block"]),
			tagKCV, "\x01\x57\xc4\x09"},
		{"frame-rotate", []byte{6, 1}, appendField(appendField(nil, tagRotation, g["rotation-order"]), tagNewValue, wrapped),
			tagRotations, "\x00\x00\x00\x01"},
	} {
		seq := byte(3 + i)
		raw, err := frame{typ: typCommand, seq: seq, payload: s.seal(seq, append(c.code, c.body...))}.encode()
		if err != nil {
			t.Fatal(err)
		}
		same(t, c.name, raw, g[c.name])
		answer := goldenPayload(t, g[c.name+"-answer"])
		payload, err := s.open(answer.typ, answer.seq, answer.payload)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		same(t, c.name+" answers", parseFields(payload[4:]).optional(c.tag), []byte(c.answers))
	}
}

func TestGoldenRecordKey(t *testing.T) {
	g := golden(t)
	n := NewRecordKey{Serial: "PED-0001", Rotations: 2, Key: g["rotation-record-public-key"], Signature: g["rotation-record-signature"]}
	same(t, "message", n.Message(), g["rotation-record-message"])
	if err := n.Verify(ed25519.PublicKey(g["record-public-key"])); err != nil {
		t.Error(err)
	}
}

// The vector of RFC 3394, section 4.1.
func TestKeyWrapVector(t *testing.T) {
	kek := []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	key := []byte{0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF}
	want := []byte{
		0x1F, 0xA6, 0x8B, 0x0A, 0x81, 0x12, 0xB4, 0x47, 0xAE, 0xF3, 0x4B, 0xD8,
		0xFB, 0x5A, 0x7B, 0x82, 0x9D, 0x3E, 0x86, 0x23, 0x71, 0xD2, 0xCF, 0xE5,
	}
	if got, err := wrapKey(kek, key); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%x, %v", got, err)
	}
	for _, bad := range [][]byte{key[:8], key[:15], nil} {
		if _, err := wrapKey(kek, bad); err == nil {
			t.Errorf("%d bytes were wrapped", len(bad))
		}
	}
}
