package devicesim

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestCCIDGolden is the conversation of device/testdata/ccid-golden.txt, which docs/WIRE-CCID.md shows, with a POS Pro
// that has a T=0 card in socket 0 and a T=1 card in socket 1: "> what the host sends", "< what it is answered",
// "! what happens to the reader", "# what it is".
func TestCCIDGolden(t *testing.T) {
	text, err := os.ReadFile("../testdata/ccid-golden.txt")
	must(t, err)
	page, err := os.ReadFile("../../docs/WIRE-CCID.md")
	must(t, err)
	h := newCCIDHost(t, Options{})
	var said []byte
	exchanges := 0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if line[0] != '<' && len(said) > 0 {
			t.Fatalf("before %s the reader also says %x", line, said)
		}
		if !bytes.Contains(page, []byte(line+"\n")) {
			t.Errorf("docs/WIRE-CCID.md does not show %s", line)
		}
		switch line[0] {
		case '!':
			if answer := h.sim.Control(strings.TrimSpace(line[1:])); answer != "ok" {
				t.Fatalf("%s: %s", line, answer)
			}
		case '>':
			said = h.send(unhexed(t, line[1:]))
			exchanges++
		case '<':
			want := unhexed(t, line[1:])
			if !bytes.HasPrefix(said, want) {
				t.Fatalf("reader says %x, not %x", said, want)
			}
			said = said[len(want):]
		default:
			t.Fatalf("cannot read %q", line)
		}
	}
	if exchanges < 10 || len(said) > 0 {
		t.Errorf("%d exchanges, and %x left", exchanges, said)
	}
}
