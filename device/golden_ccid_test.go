package device

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestCcidGoldenFrames reads the conversation of docs/WIRE-CCID.md, which the simulator is held to too: our
// bytes are those of the host there, and we understand those of the reader.
func TestCcidGoldenFrames(t *testing.T) {
	text, err := os.ReadFile("testdata/ccid-golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	messages := 0
	for line := range strings.Lines(string(text)) {
		from, frame, _ := strings.Cut(strings.TrimSpace(line), " ")
		if from != ">" && from != "<" {
			continue
		}
		raw := mustHex(t, frame)
		var d ccidDecoder
		d.feed(raw)
		m, s := d.next()
		switch {
		case s == ccidHasMessage && (m.isFromHost() != (from == ">") || !bytes.Equal(m.encode(), raw)):
			t.Errorf("%s is read as %+v", frame, m)
		case s == ccidHasMessage:
			messages++
		case s == ccidNothing && raw[0] == ccidChange, s == ccidRefusal:
		case s == ccidDamage && from == ">": // the example of a wrong check byte
			continue
		default:
			t.Errorf("%s is nothing (%d)", frame, s)
		}
		if d.noise > 0 || len(d.buf) > 0 {
			t.Errorf("%s: %d bytes are left out, %d left", frame, d.noise, len(d.buf))
		}
	}
	if messages < 30 {
		t.Errorf("%d messages", messages)
	}
}
