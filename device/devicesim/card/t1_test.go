package card

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// frame puts the length and the check byte around NAD, PCB and information.
func frame(nad, pcb byte, inf ...byte) []byte {
	b := append([]byte{nad, pcb, byte(len(inf))}, inf...)
	sum := byte(0)
	for _, v := range b {
		sum ^= v
	}
	return append(b, sum)
}

func TestT1Blocks(t *testing.T) {
	challenge, _ := hex.DecodeString("0084000004")
	card := newCard(t, Options{Protocol: T1})
	card.options.Rand = bytes.NewReader(bytes.Repeat([]byte{0xAB}, 100))
	answer := []byte{0xAB, 0xAB, 0xAB, 0xAB, 0x90, 0x00}
	for _, c := range []struct {
		name       string
		sent, want []byte
	}{
		{"S(IFS)", frame(0, 0xC1, 254), frame(0, 0xE1, 254)},
		{"S(IFS) of nothing", frame(0, 0xC1, 0), frame(0, 0x82)},
		{"I(0)", frame(0x21, 0x00, challenge...), frame(0x12, 0x00, answer...)},
		{"the same I(0): not executed again", frame(0, 0x00, challenge...), frame(0, 0x92)},
		{"R(0): sent again", frame(0x21, 0x80), frame(0x12, 0x00, answer...)},
		{"I(1)", frame(0, 0x40, challenge...), frame(0, 0x40, answer...)},
		{"wrong check byte", []byte{0, 0, 1, 0x55, 0x55}, frame(0, 0x81)},
		{"wrong length", frame(0, 0x00, 1)[:3], frame(0, 0x82)},
		{"I with a wrong bit", frame(0, 0x01, challenge...), frame(0, 0x82)},
		{"I longer than IFSC", frame(0, 0x00, make([]byte, 33)...), frame(0, 0x82)},
		{"S(WTX) answer without question", frame(0, 0xE3, 1), frame(0, 0x82)},
		{"S unknown", frame(0, 0xC8), frame(0, 0x82)},
		{"S(RESYNCH)", frame(0, 0xC0), frame(0, 0xE0)},
		{"R before anything", frame(0, 0x80), frame(0, 0x82)},
		{"I(1) after RESYNCH", frame(0, 0x40, challenge...), frame(0, 0x82)},
		{"I(0) after RESYNCH", frame(0, 0x00, challenge...), frame(0, 0x00, answer...)},
	} {
		if got := card.T1(c.sent); !bytes.Equal(got, c.want) {
			t.Errorf("%s: got %x, want %x", c.name, got, c.want)
		}
	}
}

func TestT1AbortForgetsAHalfCommand(t *testing.T) {
	card := newCard(t, Options{Protocol: T1})
	card.T1(frame(0, 0x20, 0x00, 0x84))
	if got := card.T1(frame(0, 0xC2)); !bytes.Equal(got, frame(0, 0xE2)) {
		t.Fatalf("S(ABORT): %x", got)
	}
	if got := card.T1(frame(0, 0x40, 0x80, 0xCA, 0, 1, 3)); !bytes.Equal(got, frame(0, 0x00, 0x26, 0x5A, 0x7A, 0x90, 0x00)) {
		t.Errorf("the next command: %x", got)
	}
}

func TestT1EndlessCommandIsRefused(t *testing.T) {
	card := newCard(t, Options{Protocol: T1, IFSC: 254})
	card.T1(frame(0, 0x20, make([]byte, 254)...))
	if got := card.T1(frame(0, 0x60, make([]byte, 254)...)); got[1] != 0x92 {
		t.Errorf("more than a command can be: %x", got)
	}
}

// host is the reader's end of T=1, written for this test: one block, one answer, R-blocks when something is damaged.
type host struct {
	t      *rapid.T
	card   *Card
	noise  *rapid.Generator[bool]
	budget int // blocks that may still be damaged
	ns, nr byte
	ifsc   int
}

// exchange sends a block over a line that may damage it, or its answer; nil: the answer is damaged.
func (h *host) exchange(b []byte) []byte {
	damage := func(b []byte) []byte {
		if h.budget == 0 || !h.noise.Draw(h.t, "damage") {
			return b
		}
		h.budget--
		b = bytes.Clone(b)
		b[len(b)-1] ^= 0x5A
		return b
	}
	answer := damage(h.card.T1(damage(b)))
	if frame(answer[0], answer[1], answer[3:len(answer)-1]...)[len(answer)-1] != answer[len(answer)-1] {
		return nil
	}
	return answer
}

// transmit sends a command and returns the answer, however long that takes.
func (h *host) transmit(command []byte) []byte {
	var answer []byte
	piece := command[:min(len(command), h.ifsc)]
	rest := command[len(piece):]
	information := func() []byte {
		more := byte(0)
		if len(rest) > 0 {
			more = 0x20
		}
		return frame(0, h.ns<<6|more, piece...)
	}
	next := information()
	for range 1000 {
		got := h.exchange(next)
		switch {
		case got == nil:
			next = frame(0, 0x80|h.nr<<4|1)
		case got[1]&0x80 == 0: // I
			if (got[1]>>6)&1 != h.nr {
				h.t.Fatalf("block %x out of sequence", got)
			}
			h.nr ^= 1
			answer = append(answer, got[3:len(got)-1]...)
			if got[1]&0x20 == 0 {
				h.ns ^= 1
				return answer
			}
			next = frame(0, 0x80|h.nr<<4)
		case got[1]&0xC0 == 0x80: // R
			if (got[1]>>4)&1 == h.ns { // it wants this block again, or never had it
				if len(answer) == 0 {
					next = information()
				}
				continue
			}
			if len(rest) > 0 {
				h.ns ^= 1
				piece = rest[:min(len(rest), h.ifsc)]
				rest = rest[len(piece):]
				next = information()
				continue
			}
			next = frame(0, 0x80|h.nr<<4) // it has the command: its answer, please
		case got[1] == 0xC3:
			next = frame(0, 0xE3, got[3])
		default:
			h.t.Fatalf("block %x", got)
		}
	}
	h.t.Fatalf("no end")
	return nil
}

// TestT1SurvivesDamage: with any blocks damaged in both directions, long commands and answers arrive whole and are
// executed once.
func TestT1SurvivesDamage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ifsc := byte(rapid.IntRange(1, 254).Draw(t, "ifsc"))
		keys := &counting{memoryKeys: memoryKeys{}}
		card := New(Options{
			Protocol: T1, IFSC: ifsc, Keys: keys, Extensions: rapid.IntRange(0, 3).Draw(t, "extensions"),
		})
		h := &host{t: t, card: card, noise: rapid.Bool(), budget: rapid.IntRange(0, 40).Draw(t, "damaged"), ifsc: int(ifsc)}
		if rapid.Bool().Draw(t, "longer blocks") {
			card.T1(frame(0, 0xC1, byte(rapid.IntRange(1, 254).Draw(t, "ifsd"))))
		}
		for i := range rapid.IntRange(1, 4).Draw(t, "commands") {
			data := rapid.SliceOfN(rapid.Byte(), 1, 255).Draw(t, "data")
			command := append(append([]byte{0x80, 0xEC, 0, 0, byte(len(data))}, data...), 0)
			if got := h.transmit(command); !bytes.Equal(got, append(bytes.Clone(data), 0x90, 0x00)) {
				t.Fatalf("echo of %x: %x", data, got)
			}
			load := append([]byte{0x80, 0xD8, 0, byte(i), 16}, testKey...)
			if got := h.transmit(load); !bytes.Equal(got, []byte{0x90, 0x00}) || keys.puts != i+1 {
				t.Fatalf("load: %x, executed %d times of %d", got, keys.puts, i+1)
			}
		}
	})
}

type counting struct {
	memoryKeys
	puts int
}

func (c *counting) Put(id byte, k Key) error { c.puts++; return c.memoryKeys.Put(id, k) }

func FuzzT1Block(f *testing.F) {
	f.Fuzz(func(t *testing.T, blocks []byte) {
		card := New(Options{Protocol: T1, Extensions: 1})
		for len(blocks) > 0 { // pieces of a length that their first byte says
			n := min(int(blocks[0]), len(blocks)-1)
			sent := blocks[1 : 1+n]
			blocks = blocks[1+n:]
			got := card.T1(sent)
			if b, wrong := readBlock(got); wrong != 0 || len(b.inf) > card.t1.ifsd {
				t.Fatalf("%x answered with %x", sent, got)
			}
			if _, wrong := readBlock(sent); wrong != 0 && got[1]&^0x10 != rBlock|wrong {
				t.Fatalf("damaged %x answered with %x", sent, got)
			}
		}
	})
}

func ExampleCard_APDU() {
	c := New(Options{})
	fmt.Printf("%x\n", c.Reset())
	fmt.Printf("%x\n", c.APDU([]byte{0x80, 0xCA, 0, 1, 3}))
	// Output:
	// 3b6800005053414d2d303031
	// 6a88
}
