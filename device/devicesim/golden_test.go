package devicesim

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"testing"
)

// golden reads the bytes that the driver's tests read too.
func golden(t testing.TB) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile("../testdata/golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	values := map[string][]byte{}
	for line := range strings.Lines(string(text)) {
		name, digits, _ := strings.Cut(strings.TrimSpace(line), " ")
		value, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		values[name] = value
	}
	return values
}

func same(t *testing.T, name string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\n got %x\nwant %x", name, got, want)
	}
}

func TestGoldenFrames(t *testing.T) {
	g := golden(t)
	for name, f := range map[string]frame{
		"frame-rst":    {typ: tRST, arg: 0x1234},
		"frame-rstack": {typ: tRSTACK, arg: 0x1234},
		"frame-ack":    {typ: tACK, seq: 5},
		"frame-nak":    {typ: tNAK, seq: 5},
		"frame-busy":   {typ: tBUSY, seq: 5, arg: 50},
		"frame-info":   {typ: tCMD, body: []byte{0, 2}},
	} {
		same(t, name, f.bytes(), g[name])
		if got, what, left := scan(g[name]); what != found || len(left) > 0 || got.typ != f.typ || got.seq != f.seq || got.arg != f.arg {
			t.Errorf("%s is read as %+v", name, got)
		}
	}
}

func TestGoldenSession(t *testing.T) {
	g := golden(t)
	s, err := deriveSession(g["session-link-key"], g["session-host-nonce"], g["session-reader-nonce"])
	if err != nil {
		t.Fatal(err)
	}
	hello := body{0, 1, 0, 0}.put(tgSerial, []byte("PED-0001")).put(tgNonce, g["session-reader-nonce"]).
		put32(tgBootCount, 3).put32(tgEraseCount, 0)
	same(t, "hello", frame{typ: tRSP, seq: 1, body: s.seal(tRSP, 1, hello)}.bytes(), g["frame-hello-answer"])
	since := body{4, 1, 0, 0}.put(tgBacklog, []byte{0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0})
	same(t, "since", frame{typ: tRSP, seq: 2, body: s.seal(tRSP, 2, since)}.bytes(), g["frame-since-answer"])
	event := body{0, 2, 0, 0, 0, 1}.put(tgRecordJSON,
		[]byte(`{"batch":"000001","evseq":1,"kind":"batch-close","reader":"PED-0001","tid":"10000001","time":1767225600}`))
	same(t, "event", frame{typ: tEVT, seq: 3, body: s.seal(tEVT, 3, event)}.bytes(), g["frame-event"])
	command, what, _ := scan(g["frame-since"])
	if what != found {
		t.Fatal("frame-since is not read")
	}
	payload, authentic := s.open(command.seq, command.body)
	if v, ok := parseBody(payload[2:]); !authentic || !ok || v.u32(tgEvent) != 0 {
		t.Error("frame-since is not believed")
	}
}

func TestGoldenTicketAndRecord(t *testing.T) {
	g := golden(t)
	v, ok := parseBody(g["ticket-field"])
	if !ok {
		t.Fatal("no field")
	}
	ticket, ok := parseTicket(v[tgTicket])
	if !ok || !ticket.signedBy(g["ticket-public-key"]) {
		t.Fatal("the ticket is refused")
	}
	same(t, "message", ticket.message, g["ticket-message"])
	same(t, "digest", ticket.digest[:], g["ticket-digest"])
	if ticket.serial != "PED-0001" || ticket.counter != 7 || !slices.Equal(ticket.scope, []uint16{0x10, 0x11, 0x30}) {
		t.Errorf("ticket %+v", ticket)
	}
	record := lengthPrefixed([]byte(recordLabel), []byte("PED-0001"), binary.BigEndian.AppendUint32(nil, 8),
		ticket.digest[:], unhex("707172737475767778797a7b7c7d7e7f"), unhex("001000001101003002"))
	same(t, "record", record, g["record-message"])
	same(t, "signature", ed25519.Sign(ed25519.NewKeyFromSeed(g["record-signing-seed"]), record), g["record-signature"])
}

func TestGoldenSlotsDigest(t *testing.T) {
	g := golden(t)
	s := &Sim{mem: &memory{slots: []slot{
		{id: 0x10, typ: keyTMK, alg: algTDES, state: slotLoaded, method: kcvZero, kcv: unhex("8373d6")},
		{id: 0x31, typ: keyTDK, alg: algAES, state: slotEmpty},
	}}}
	digest := s.slotsDigest([]uint16{0x10, 0x31})
	same(t, "digest", digest[:], g["slots-digest"])
	input := sha256.Sum256(g["slots-digest-input"])
	same(t, "input", input[:], g["slots-digest"])
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err) // a typing error in this file
	}
	return b
}

// Published check values: 3DES and DES by the zero block (the first three bytes), AES by CMAC, the IPEK of X9.24.
func TestCheckValues(t *testing.T) {
	for _, c := range []struct {
		alg       byte
		key, want string
	}{
		{algTDES, strings.Repeat("15", 16), "265a7a"},
		{algTDES, strings.Repeat("17", 16), "3adebb"},
		{algTDES, strings.Repeat("11", 16), "82e136"},
		{algTDES, strings.Repeat("25", 16), "c335c9"},
		{algTDES, strings.Repeat("13", 8) + strings.Repeat("13", 8) + strings.Repeat("13", 8), "a8b7b5"},
		{algTDES, strings.Repeat("0123456789abcdef", 2), "d5d44f"},
		{algTDES, "6ac292faa1315b4d858ab3a3d7d5933a", "af8c07"},
		{algAES, "2b7e151628aed2a6abf7158809cf4f3c", "7ad386c376"},
	} {
		_, kcv, err := checkValue(c.alg, unhex(c.key))
		if err != nil || hex.EncodeToString(kcv) != c.want {
			t.Errorf("key %s: %x %v", c.key, kcv, err)
		}
	}
	if _, _, err := checkValue(algEd25519, nil); err == nil {
		t.Error("a signing key got a check value")
	}
}

// Vectors of RFC 4493 section 4.
func TestCMACVectors(t *testing.T) {
	message := unhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710")
	m, err := newMAC(unhex("2b7e151628aed2a6abf7158809cf4f3c"))
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]string{
		0:  "bb1d6929e95937287fa37d129b756746",
		16: "070a16b46b4d4144f79bdd9dd04a287c",
		40: "dfa66747de9ae63030ca32611497c827",
		64: "51f0bebf7e3b9d92fc49741779363cfe",
	} {
		if got := m.sum(message[:n/2], message[n/2:n]); hex.EncodeToString(got[:]) != want {
			t.Errorf("%d bytes: %x", n, got)
		}
	}
}

func TestProofNeedsTheKey(t *testing.T) {
	nonce := unhex("000102030405060708090a0b0c0d0e0f")
	for _, alg := range []byte{algTDES, algAES} {
		one, err := prove(alg, bytes.Repeat([]byte{1}, 16), nonce)
		if err != nil || len(one) != 8 {
			t.Fatal(err)
		}
		two, err := prove(alg, bytes.Repeat([]byte{2}, 16), nonce)
		if err != nil || bytes.Equal(one, two) {
			t.Error("two keys answer alike")
		}
		nonce2 := append([]byte{9}, nonce[1:]...)
		if other, err := prove(alg, bytes.Repeat([]byte{1}, 16), nonce2); err != nil || bytes.Equal(one, other) {
			t.Error("two nonces are answered alike")
		}
	}
}
