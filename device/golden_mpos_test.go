package device

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"
)

// goldenMpos reads the frames of testdata/mpos-golden.txt, which docs/WIRE-MPOS.md shows.
func goldenMpos(t testing.TB) map[string]mposFrame {
	t.Helper()
	text, err := os.ReadFile("testdata/mpos-golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	frames := map[string]mposFrame{}
	for row := range strings.Lines(string(text)) {
		name, digits, _ := strings.Cut(strings.TrimSpace(row), " ")
		raw, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var d mposDecoder
		d.feed(raw)
		f, whole := d.next()
		if name == "damaged-request" {
			if whole {
				t.Error("a frame with a wrong LRC was read")
			}
			continue
		}
		if !whole || d.pending() || !bytes.Equal(mustEncodeMpos(t, f), raw) {
			t.Fatalf("%s is not read, or not given back", name)
		}
		frames[name] = f
	}
	return frames
}

// TestGoldenMposRequests holds what this driver sends against the document.
func TestGoldenMposRequests(t *testing.T) {
	g := goldenMpos(t)
	tdk, _, _ := mposPlace(0x0106)
	tmk, _, _ := mposPlace(0x0402)
	tak, _, _ := mposPlace(0x0301)
	nonce := []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	for name, want := range map[string]mposFrame{
		"serial-request":             {cmd: mposSerial},
		"info-request":               {cmd: mposInfo},
		"tamper-request":             {cmd: mposTamper},
		"kcv-tdk-request":            {cmd: mposWorkKey, data: kcvQuery(tdk, 6)},
		"crypt-request":              {cmd: mposCrypt, data: cryptQuery(6, nonce)},
		"mac-request":                {cmd: mposMAC, data: macQuery(1, []byte("0200 a message"))},
		"delete-tdk-request":         {cmd: mposDeleteKey, data: deleteQuery(tdk, 6)},
		"delete-tmk-request":         {cmd: mposDeleteKey, data: deleteQuery(tmk, 2)},
		"restart-request":            {cmd: mposRestart},
		"load-tak-request":           {cmd: mposWorkKey, data: loadWorkingQuery(tak, 2, 1, mustHex(t, "145f5c6e3d914457145f5c6e3d914457"), mustHex(t, "265a7abf"))},
		"load-tmk-under-tlk-request": {cmd: mposLoadMaster, data: loadMasterQuery(2, 3, mustHex(t, "e14647e8a135061ae14647e8a135061a"), mustHex(t, "3adebbe0"))},
	} {
		want.seq = g[name].seq
		same(t, name, mustEncodeMpos(t, want), mustEncodeMpos(t, g[name]))
	}
}

func TestGoldenMposAnswers(t *testing.T) {
	g := goldenMpos(t)
	body := func(name string) *mposBody { return &mposBody{rest: g[name].data[2:]} }
	serial := body("serial-answer").id()
	id, err := parseMposInfo(serial, body("info-answer"))
	if err != nil || id.Serial != "MPOS-0001" || id.Model != "PED-SIM-1" || id.Firmware != "1.0.0" || id.Hardware != "A" {
		t.Errorf("identity %+v, %v", id, err)
	}
	for name, want := range map[string]Slot{
		"kcv-tdk-answer":      {Alg: "3DES", KCV: "c335c9d8", Method: "zero-block", State: SlotLoaded},
		"kcv-tmk-aes-answer":  {Alg: "AES-128", KCV: "7ad386c3", Method: "cmac", State: SlotLoaded},
		"kcv-tlk-answer":      {Alg: "3DES", KCV: "a8b7b5bd", Method: "zero-block", State: SlotLoaded},
		"kcv-dukpt-answer":    {Alg: "3DES", KCV: "af8c074a", Method: "zero-block", State: SlotLoaded},
		"kcv-missing-answer":  {State: SlotEmpty},
		"kcv-tdk-gone-answer": {State: SlotEmpty},
	} {
		if s, err := parseMposSlot(body(name), Slot{State: SlotEmpty}); err != nil || s != want {
			t.Errorf("%s: %+v %v", name, s, err)
		}
	}
	for name, size := range map[string]int{"crypt-answer": 16, "mac-answer": 8} {
		b := body(name)
		if err := b.result(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if b.exactly(size); b.err != nil || len(b.rest) > 0 {
			t.Errorf("%s: %v, %x left", name, b.err, b.rest)
		}
	}
	if err := body("mac-gone-answer").result(); !errors.Is(err, ErrNoKey) {
		t.Errorf("a TAK that is gone: %v", err)
	}
	for name, want := range map[string]error{
		"unknown-answer": ErrUnsupported, "malformed-answer": mposRefusal("02"),
		"no-index-answer": mposRefusal(mposNoPlace), "refused-answer": mposRefusal(mposRefused), "restart-answer": nil,
	} {
		if err := mposRefusal(string(g[name].data[:2])); !errors.Is(err, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestGoldenMposNumbers: every answer of the document would be taken for the one to its request.
func TestGoldenMposNumbers(t *testing.T) {
	g := goldenMpos(t)
	for name, request := range g {
		base, is := strings.CutSuffix(name, "-request")
		if !is {
			continue
		}
		answer := g[base+"-answer"]
		x := &mposExchange{cmd: request.cmd, seq: request.seq, answers: make(chan []byte, 1)}
		(&mposLink{asking: []*mposExchange{x}}).handle(answer)
		if len(x.answers) != 1 {
			t.Errorf("the answer to %s is not taken", name)
		}
	}
}
