package devicesim

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"
)

func unhexed(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What libccid sends when it begins; its log shows these bytes.
const (
	askFirmware = "03 06 6b 01000000 00 00 000000 02 6d"
	askChanges  = "03 06 6b 03000000 00 01 000000 010101 6d"
)

func TestScanCCID(t *testing.T) {
	for _, c := range []struct {
		name, input string
		what        ccidFound
		raw, left   string
	}{
		{"nothing", "", ccidNothing, "", ""},
		{"a command", askFirmware, ccidMessage, askFirmware, ""},
		{"two", askFirmware + askChanges, ccidMessage, askFirmware, askChanges},
		{"noise before it", "06 15 00 16" + askChanges, ccidMessage, askChanges, ""},
		{"other noise", "ff 00 50 02" + askChanges, ccidMessage, askChanges, ""},
		{"sync that leads to nothing", "03 03 04" + askChanges, ccidMessage, askChanges, ""},
		{"half", askFirmware[:20], ccidNothing, "", askFirmware[:20]},
		{"the first byte", "00 03", ccidNothing, "", "03"},
		{"a wrong check byte", askFirmware[:len(askFirmware)-2] + "6c" + "03", ccidDamaged, askFirmware[:len(askFirmware)-2] + "6c", "03"},
		{"refusal", "03 15 16" + askChanges, ccidRefusal, "03 15 16", askChanges},
		{"a damaged refusal", "03 15 17 03", ccidDamaged, "03 15 17", "03"},
		{"the longest", "03 06 6f 05010000", ccidNothing, "", "03 06 6f 05010000"},
		{"longer than any", "03 06 6f 06010000" + askChanges, ccidMessage, askChanges, ""},
		{"a length that is negative elsewhere", "03 06 6f ffffffff" + askChanges, ccidMessage, askChanges, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			command, what, raw, left := scanCCID(unhexed(t, c.input))
			if what != c.what || !bytes.Equal(raw, unhexed(t, c.raw)) || !bytes.Equal(left, unhexed(t, c.left)) {
				t.Fatalf("%d, %x, left %x", what, raw, left)
			}
			if c.raw == askChanges && what == ccidMessage {
				if command.kind != ccidEscape || command.slot != 0 || command.seq != 1 || !bytes.Equal(command.data, []byte{1, 1, 1}) {
					t.Errorf("%+v", command)
				}
			}
		})
	}
}

func TestCCIDAnswersOnTheLine(t *testing.T) {
	a := ccidAnswer{kind: 0x80, slot: 2, seq: 9, status: 0x41, fault: 0xFE, param: 3, data: []byte{0x90, 0x00}}
	if got := a.frame(); !bytes.Equal(got, unhexed(t, "03 06 80 02000000 02 09 41 fe 03 90 00 a0")) {
		t.Errorf("%x", got)
	}
}

// FuzzCcidCommand: whatever comes, a scan gets on, invents nothing, and what it takes for a command is sound.
func FuzzCcidCommand(f *testing.F) {
	f.Fuzz(func(t *testing.T, input []byte) {
		rest := bytes.Clone(input)
		for {
			c, what, raw, left := scanCCID(rest)
			if !bytes.HasSuffix(rest, left) || !bytes.HasSuffix(rest[:len(rest)-len(left)], raw) {
				t.Fatalf("%x became %x and %x", rest, raw, left)
			}
			if what == ccidNothing {
				if len(left) > ccidAround+ccidHead+ccidLongest {
					t.Fatalf("%d bytes are kept", len(left))
				}
				return
			}
			if len(left) >= len(rest) {
				t.Fatalf("no progress in %x", rest)
			}
			if what == ccidMessage {
				if again := frameOf(c); !bytes.Equal(again, raw) {
					t.Fatalf("%x was read as %x", raw, again)
				}
			}
			rest = left
		}
	})
}

// frameOf is the host's side of a command, written for these tests.
func frameOf(c ccidCommand) []byte {
	b := []byte{0x03, 0x06, c.kind, 0, 0, 0, 0, c.slot, c.seq, c.params[0], c.params[1], c.params[2]}
	binary.LittleEndian.PutUint32(b[3:], uint32(len(c.data)))
	b = append(b, c.data...)
	sum := byte(0)
	for _, v := range b {
		sum ^= v
	}
	return append(b, sum)
}
