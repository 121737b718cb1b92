package device

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// t1Card is the card's end of T=1, played by the test. It executes what arrives whole and counts how often.
type t1Card struct {
	code         t1Code
	ifsc, ifsd   int
	ns, nr       byte
	command      []byte
	left         []byte // of the response, from the block that was sent last
	inflight     int    // bytes of left in that block
	last         t1Block
	executed     [][]byte
	answer       func(command []byte) []byte
	extend, size bool // ask for time, or announce another IFSC, before the next execution
	dead         bool // never answers
	forever      byte // S-request that it makes instead of any answer, 0: none
	stale        bool // says its last response again where it should ask for the command that was lost
}

// hear is the card's answer to the bytes of a block.
func (c *t1Card) hear(raw []byte) []byte {
	b, err := c.code.decode(raw)
	if err != nil {
		return c.code.encode(t1Block{pcb: t1R | c.nr*t1NumberR | t1EDCError})
	}
	return c.code.encode(c.handle(b))
}

func (c *t1Card) handle(b t1Block) t1Block {
	switch {
	case b.isI():
		return c.information(b)
	case b.isR():
		return c.request(b)
	}
	switch b.pcb {
	case t1Resync:
		c.ns, c.nr, c.ifsd, c.command, c.left, c.inflight = 0, 0, 32, nil, nil, 0
		c.last = t1Block{pcb: t1Resync | t1Response}
		return c.last
	case t1IFS:
		c.ifsd = int(b.inf[0])
		c.last = t1Block{b.pcb | t1Response, b.inf}
		return c.last
	}
	return c.execute() // a response to our own request
}

func (c *t1Card) information(b t1Block) t1Block {
	if b.number() != c.nr {
		return t1Block{pcb: t1R | c.nr*t1NumberR | t1Other}
	}
	c.nr ^= 1
	if c.left != nil { // it answers a response that we take as delivered
		c.left, c.inflight, c.ns = nil, 0, c.ns^1
	}
	c.command = append(c.command, b.inf...)
	if b.more() {
		return c.say(t1Block{pcb: t1R | c.nr*t1NumberR})
	}
	return c.execute()
}

func (c *t1Card) execute() t1Block {
	switch {
	case c.forever != 0:
		return c.say(t1Block{c.forever, []byte{1}})
	case c.extend:
		c.extend = false
		return c.say(t1Block{t1WTX, []byte{3}})
	case c.size:
		c.size, c.ifsc = false, 7
		return c.say(t1Block{t1IFS, []byte{7}})
	}
	c.executed = append(c.executed, c.command)
	c.left, c.command = c.answer(c.command), nil
	return c.respond()
}

func (c *t1Card) respond() t1Block {
	c.inflight = min(len(c.left), c.ifsd)
	pcb := c.ns * t1NumberI
	if c.inflight < len(c.left) {
		pcb |= t1More
	}
	return c.say(t1Block{pcb, c.left[:c.inflight]})
}

func (c *t1Card) request(b t1Block) t1Block {
	if c.last.more() && b.number() != c.ns {
		c.left, c.ns = c.left[c.inflight:], c.ns^1
		return c.respond()
	}
	if c.last.isI() && c.left != nil && b.number() != c.ns && !c.stale {
		return t1Block{pcb: t1R | c.nr*t1NumberR} // "go on" where there is no more: the next command was lost
	}
	if c.last.pcb == 0 && c.left == nil {
		return t1Block{pcb: t1R}
	}
	return c.last
}

func (c *t1Card) say(b t1Block) t1Block {
	c.last = b
	return b
}

func newT1Pair(terms CardInterface, spoil func(raw []byte) []byte) (*t1Master, *t1Card) {
	card := &t1Card{code: t1Code{terms.CRC}, ifsc: terms.IFSC, ifsd: 32, answer: echoed}
	return newT1Master(terms, func(block []byte, _ byte) ([]byte, error) {
		there := spoil(bytes.Clone(block))
		if there == nil || card.dead {
			return nil, errNoBlock
		}
		back := spoil(card.hear(there))
		if back == nil {
			return nil, errNoBlock
		}
		return back, nil
	}), card
}

func unspoiled(raw []byte) []byte { return raw }

// echoed is a response from which one sees its command.
func echoed(command []byte) []byte { return append(bytes.Repeat(command, 3), 0x90, 0x00) }

func TestT1ChainsBothWays(t *testing.T) {
	for _, crc := range []bool{false, true} {
		for _, length := range []int{4, 31, 32, 33, 254, 255, 600, 4000} {
			m, card := newT1Pair(CardInterface{IFSC: 32, CRC: crc}, unspoiled)
			command := bytes.Repeat([]byte{0x5A}, length)
			for range 3 {
				got, err := m.exchange(command)
				if err != nil || !bytes.Equal(got, echoed(command)) {
					t.Fatalf("%d bytes, crc %v: %d bytes, %v", length, crc, len(got), err)
				}
			}
			if len(card.executed) != 3 || card.ifsd != t1LongestInf {
				t.Errorf("executed %d times, IFSD %d", len(card.executed), card.ifsd)
			}
		}
	}
}

func TestT1GivesTimeAndShorterBlocks(t *testing.T) {
	m, card := newT1Pair(CardInterface{IFSC: 32}, unspoiled)
	card.extend, card.size = true, true
	var waits []byte
	inner := m.swap
	m.swap = func(block []byte, wait byte) ([]byte, error) {
		waits = append(waits, wait)
		if b, err := m.code.decode(block); err != nil || len(b.inf) > card.ifsc {
			t.Errorf("block %x for an IFSC of %d: %v", block, card.ifsc, err)
		}
		return inner(block, wait)
	}
	for range 2 {
		if got, err := m.exchange(bytes.Repeat([]byte{1}, 20)); err != nil || len(got) != 62 {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	}
	if !slices.Contains(waits, 3) || m.ifsc != 7 {
		t.Errorf("waits %v, IFSC %d", waits, m.ifsc)
	}
}

// TestT1ExecutesAtMostOnce loses and spoils blocks both ways: a response is the right one, and a command is
// never executed twice, whatever the line does.
func TestT1ExecutesAtMostOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fate := func(raw []byte) []byte {
			switch rapid.IntRange(0, 9).Draw(t, "fate") {
			case 0:
				return nil
			case 1:
				raw[rapid.IntRange(0, len(raw)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			case 2:
				raw = raw[:rapid.IntRange(1, len(raw)-1).Draw(t, "cut")]
			}
			return raw
		}
		m, card := newT1Pair(CardInterface{IFSC: rapid.IntRange(1, 40).Draw(t, "ifsc"), CRC: true}, fate)
		for i := range byte(5) {
			command := bytes.Repeat([]byte{i}, rapid.IntRange(4, 60).Draw(t, "length"))
			card.extend, card.stale, card.executed = rapid.Bool().Draw(t, "extend"), rapid.Bool().Draw(t, "stale"), nil
			got, err := m.exchange(command)
			switch {
			case err == nil && !bytes.Equal(got, echoed(command)):
				t.Fatalf("response %x to %x", got, command)
			case len(card.executed) > 1 || len(card.executed) == 1 && !bytes.Equal(card.executed[0], command):
				t.Fatalf("executed %x", card.executed)
			case errors.Is(err, errOutOfStep):
				return
			case err != nil && !errors.Is(err, ErrTimeout) && len(card.executed) > 0:
				t.Fatalf("%v, and it was executed", err)
			}
		}
	})
}

func TestT1NeverSendsACommandAgainAfterResynchronising(t *testing.T) {
	m, card := newT1Pair(CardInterface{IFSC: 32}, unspoiled)
	lost := 0
	inner := m.swap
	m.swap = func(block []byte, wait byte) ([]byte, error) {
		answer, err := inner(block, wait)
		if pcb := answer[1]; pcb&0x80 == 0 && lost < t1Repeats {
			lost++
			return nil, errNoBlock
		}
		return answer, err
	}
	if _, err := m.exchange([]byte{0, 1, 2, 3}); !errors.Is(err, ErrTimeout) || errors.Is(err, errOutOfStep) {
		t.Fatalf("three lost responses: %v", err)
	}
	if len(card.executed) != 1 {
		t.Fatalf("executed %d times", len(card.executed))
	}
	if got, err := m.exchange([]byte{0, 1, 2, 4}); err != nil || !bytes.Equal(got, echoed([]byte{0, 1, 2, 4})) {
		t.Errorf("after it: %x %v", got, err)
	}
}

func TestT1OfADeadCardEnds(t *testing.T) {
	m, card := newT1Pair(CardInterface{IFSC: 32}, unspoiled)
	if _, err := m.exchange([]byte{0, 1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	card.dead = true
	if _, err := m.exchange([]byte{0, 1, 2, 4}); !errors.Is(err, ErrTimeout) || !errors.Is(err, errOutOfStep) {
		t.Errorf("%v", err)
	}
}

func TestT1OfACardThatAsksForEverEnds(t *testing.T) {
	for _, request := range []byte{t1WTX, t1IFS} {
		m, card := newT1Pair(CardInterface{IFSC: 32}, unspoiled)
		card.forever = request
		if _, err := m.exchange([]byte{0, 0x84, 0, 0, 8}); !errors.Is(err, ErrTimeout) || errors.Is(err, errOutOfStep) {
			t.Errorf("request %02X: %v", request, err)
		}
		card.forever = 0 // it follows the resynchronisation, and the next command
		if _, err := m.exchange([]byte{0, 0x84, 0, 0, 8}); err != nil || len(card.executed) != 1 {
			t.Errorf("after %02X: %v, executed %d", request, err, len(card.executed))
		}
	}
}

func TestT1PassesTheFirstRefusalOn(t *testing.T) {
	refusal := ErrRefused{Text: "no"}
	count := 0
	m := newT1Master(CardInterface{IFSC: 2}, nil)
	m.sized = true
	m.swap = func([]byte, byte) ([]byte, error) {
		if count++; count == 1 {
			return m.code.encode(t1Block{pcb: t1R | t1NumberR}), nil
		}
		return nil, refusal
	}
	if _, err := m.exchange([]byte{0, 1, 2, 3}); !errors.Is(err, ErrTimeout) || !errors.Is(err, refusal) {
		t.Errorf("in the middle of a chain: %v", err)
	}
	m.ns, count = 0, 1
	if _, err := m.exchange([]byte{0, 1, 2, 3}); errors.Is(err, ErrTimeout) || !errors.Is(err, refusal) {
		t.Errorf("at once: %v", err)
	}
}

func TestT1BlocksThatAreNone(t *testing.T) {
	for _, raw := range []string{
		"", "00", "000000", "00000000" + "00", "0000020101", "00000101ff", "01000001", "00ff00ff", "00a300a3", "008c008c",
		"00830083", "00c100c1", "00c101ff3f", "00c0010ac1", "00040004",
	} {
		if b, err := (t1Code{}).decode(mustHex(t, raw)); !errors.Is(err, errDamaged) {
			t.Errorf("%s: %+v %v", raw, b, err)
		}
	}
}

// FuzzT1 lets a card say anything: the host ends, and what it takes for a block is one.
func FuzzT1(f *testing.F) {
	f.Fuzz(func(t *testing.T, script []byte) {
		if b, err := (t1Code{}).decode(script); err == nil && !bytes.Equal((t1Code{}).encode(b), script) {
			t.Fatalf("%x is not %+v", script, b)
		}
		m := newT1Master(CardInterface{IFSC: 16}, nil)
		m.swap = func([]byte, byte) ([]byte, error) {
			if len(script) == 0 {
				return nil, errNoBlock
			}
			n := min(len(script)-1, int(script[0]))
			block := script[1 : 1+n]
			script = script[1+n:]
			return append(block[:n:n], lrc(block)), nil
		}
		if response, err := m.exchange(make([]byte, 40)); err == nil && len(response) > t1LongestOf {
			t.Fatalf("%d bytes", len(response))
		}
	})
}
