package devicesim

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"testing"

	"unbindd/device/devicesim/keying"
)

func goldenReader(g map[string][]byte) *Sim {
	return &Sim{
		faults: faults{},
		mem: &memory{
			id: identity{Serial: "PED-0001", Model: "PED-SIM-1", Firmware: "1.0.0", Hardware: "A"},
			st: state{BootCount: 3, Own: ownKeys{
				Link: g["session-link-key"], Record: g["record-signing-seed"], Ticket: g["ticket-public-key"],
			}},
		},
	}
}

func TestGoldenIdentity(t *testing.T) {
	g := golden(t)
	same(t, "info", frame{typ: tRSP, body: append(body{0, 2, 0, 0}, goldenReader(g).info().body...)}.bytes(), g["frame-info-answer"])
}

func TestGoldenLinkKeyIsFoundByName(t *testing.T) {
	g := golden(t)
	s := goldenReader(g)
	f, _, _ := scan(g["frame-hello-kcv"])
	v, ok := parseBody(f.body[2:])
	if !ok {
		t.Fatal("HELLO is not read")
	}
	s.mem.st.Own.Next, s.mem.st.Own.Link = s.mem.st.Own.Link, make([]byte, 16)
	if key, next := s.linkNamed(v[tgKCV]); !next || !bytes.Equal(key, g["session-link-key"]) {
		t.Error("the key that waits is not found by its name")
	}
	for _, other := range [][]byte{nil, {2}, {2, 1, 2, 3, 4, 5}} {
		if _, next := s.linkNamed(other); next {
			t.Errorf("the key that waits is taken for %x", other)
		}
	}
}

// Commands 3 to 5 of the session: what the reader makes of them, and its answers.
func TestGoldenCommands(t *testing.T) {
	g := golden(t)
	s, err := deriveSession(g["session-link-key"], g["session-host-nonce"], g["session-reader-nonce"])
	must(t, err)
	s.in, s.out = 1, 3
	protection, err := keying.NewKey(keying.TDES, g["load-protection-key"])
	must(t, err)
	for i, c := range []struct {
		name   string
		answer body
		check  func(v values) bool
	}{
		{"frame-apdu", body{3, 2, 0, 0}.put(tgAPDU, unhex("01020304050607089000")), func(v values) bool {
			return v[tgSocket][0] == 1 && bytes.Equal(v[tgAPDU], unhex("0084000008"))
		}},
		{"frame-load", body{1, 3, 0, 0}.put(tgKCV, unhex("0157c409")), func(v values) bool {
			h, k, err := keying.Unwrap(protection, string(v[tgKeyBlock]))
			must(t, err)
			kcv, err := keying.KCV(keying.ZeroBlock, k)
			return err == nil && h.Usage == "P0" && bytes.Equal(k.Reveal(), g["load-key"]) && hex.EncodeToString(kcv) == "57c409"
		}},
		{"frame-rotate", body{6, 1, 0, 0}.put32(tgRotations, 1), func(v values) bool {
			order, ok := parseRotation(v[tgRotation])
			link, opened := unwrapLink(g["session-link-key"], order.field, v[tgNewValue])
			return ok && opened && bytes.Equal(order.message, g["rotation-message"]) && order.serial == "PED-0001" &&
				ed25519.Verify(g["ticket-public-key"], order.message, order.signature) && bytes.Equal(link, g["rotation-new-link-key"])
		}},
	} {
		f, what, _ := scan(g[c.name])
		if what != found {
			t.Fatalf("%s is not read", c.name)
		}
		payload, authentic := s.open(f.seq, f.body)
		v, ok := parseBody(payload[2:])
		if !authentic || !ok || !c.check(v) {
			t.Errorf("%s is not understood", c.name)
		}
		seq := byte(4 + i)
		same(t, c.name, frame{typ: tRSP, seq: seq, body: s.seal(tRSP, seq, c.answer)}.bytes(), g[c.name+"-answer"])
	}
}

func TestGoldenNewRecordKey(t *testing.T) {
	g := golden(t)
	s := goldenReader(g)
	s.options.Rand = bytes.NewReader(bytes.Repeat([]byte{0x33}, 32))
	own := s.mem.st.Own
	own.Rotations = 1
	answer, err := s.newRecordKey(&own)
	must(t, err)
	v, _ := parseBody(answer)
	same(t, "key", v[tgRecordKey], g["rotation-record-public-key"])
	same(t, "signature", v[tgSignature], g["rotation-record-signature"])
	message := lengthPrefixed([]byte(newRecordLabel), []byte("PED-0001"), binary.BigEndian.AppendUint32(nil, 2), v[tgRecordKey])
	same(t, "message", message, g["rotation-record-message"])
}

// The vector of RFC 3394, section 4.1.
func TestKeyUnwrapVector(t *testing.T) {
	kek := unhex("000102030405060708090a0b0c0d0e0f")
	wrapped := unhex("1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5")
	if key, ok := unwrapAES(kek, wrapped); !ok || hex.EncodeToString(key) != "00112233445566778899aabbccddeeff" {
		t.Errorf("%x %v", key, ok)
	}
	for i := range wrapped {
		bad := slices.Clone(wrapped)
		bad[i] ^= 1
		if _, ok := unwrapAES(kek, bad); ok {
			t.Errorf("byte %d was changed and nobody noticed", i)
		}
	}
	if _, ok := unwrapAES(kek, wrapped[:16]); ok {
		t.Error("a short block was opened")
	}
}
