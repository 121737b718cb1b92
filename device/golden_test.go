package device

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// golden reads testdata/golden.txt: bytes that were made by neither this package nor the simulator.
func golden(t testing.TB) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.txt")
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
	if hex.EncodeToString(got) != hex.EncodeToString(want) {
		t.Errorf("%s:\n got %x\nwant %x", name, got, want)
	}
}

func TestDocumentShowsTheGoldenBytes(t *testing.T) {
	text, err := os.ReadFile("../docs/WIRE-READER.md")
	if err != nil {
		t.Fatal(err)
	}
	lines, err := os.ReadFile("testdata/golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(lines)) {
		if !strings.Contains(string(text), "\n"+line) {
			t.Errorf("the document lacks: %s", line)
		}
	}
}

func TestDocumentNamesEveryStatus(t *testing.T) {
	text, err := os.ReadFile("../docs/WIRE-READER.md")
	if err != nil {
		t.Fatal(err)
	}
	for code, meaning := range codeTexts {
		row := "| " + strings.ToUpper(hex.EncodeToString(binary.BigEndian.AppendUint16(nil, uint16(code)))) + " | " + meaning + " |"
		if !strings.Contains(string(text), row) {
			t.Errorf("the document lacks the row %q", row)
		}
	}
}

func TestGoldenFrames(t *testing.T) {
	g := golden(t)
	frames := map[string]frame{
		"frame-rst":    {typ: typReset, arg: 0x1234},
		"frame-rstack": {typ: typResetAck, arg: 0x1234},
		"frame-ack":    {typ: typAck, seq: 5},
		"frame-nak":    {typ: typNak, seq: 5},
		"frame-busy":   {typ: typBusy, seq: 5, arg: 50},
		"frame-info":   {typ: typCommand, payload: []byte{0, 2}},
	}
	for name, f := range frames {
		b, err := f.encode()
		if err != nil {
			t.Fatal(err)
		}
		same(t, name, b, g[name])
	}
}

func TestGoldenSession(t *testing.T) {
	g := golden(t)
	pairing, err := NewSecret(g["session-link-key"])
	if err != nil {
		t.Fatal(err)
	}
	root, err := newCMAC(pairing.key()[:])
	if err != nil {
		t.Fatal(err)
	}
	for label, name := range map[string]string{"pedlink/1 host": "session-host-key", "pedlink/1 reader": "session-reader-key"} {
		key := root.sum(kdfInput(label, g["session-host-nonce"], g["session-reader-nonce"]))
		same(t, name, key[:], g[name])
	}
	s, err := newSession(pairing, g["session-host-nonce"], g["session-reader-nonce"])
	if err != nil {
		t.Fatal(err)
	}
	command := appendField32([]byte{0x04, 0x01}, tagEventNumber, 0)
	b, err := frame{typ: typCommand, seq: 2, payload: s.seal(2, command)}.encode()
	if err != nil {
		t.Fatal(err)
	}
	same(t, "frame-since", b, g["frame-since"])
	for _, name := range []string{"frame-hello-answer", "frame-since-answer", "frame-event"} {
		d := decoder{}
		d.feed(g[name])
		f, v := d.next()
		if v != whole {
			t.Fatalf("%s is not read", name)
		}
		if _, err := s.open(f.typ, f.seq, f.payload); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGoldenRecord(t *testing.T) {
	g := golden(t)
	record, err := ParseRecord(g["record-message"], g["record-signature"])
	if err != nil {
		t.Fatal(err)
	}
	same(t, "message", record.Message(), g["record-message"])
	if err := record.Verify(ed25519.PublicKey(g["record-public-key"])); err != nil {
		t.Error(err)
	}
	if record.Serial != "PED-0001" || record.EraseCounter != 8 || record.Ticket != [32]byte(g["ticket-digest"]) {
		t.Errorf("record %+v", record)
	}
	want := []SlotResult{{0x10, ResultErased}, {0x11, ResultAlreadyEmpty}, {0x30, ResultFailed}}
	for i, r := range record.Results {
		if r != want[i] {
			t.Errorf("result %d: %+v", i, r)
		}
	}
	if digest := sha256.Sum256(g["ticket-message"]); digest != record.Ticket {
		t.Error("ticket digest is not SHA-256 of the message")
	}
	record.Results[2].Result = ResultErased
	if record.Verify(ed25519.PublicKey(g["record-public-key"])) == nil {
		t.Error("a changed record verifies")
	}
}
