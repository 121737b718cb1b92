package device

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// scriptedReader is a reader with one socket whose card says what the test says.
type scriptedReader struct {
	atr     []byte
	volts   byte // at which the card wakes up; 0: any
	pps     func(request []byte) []byte
	card    func(sent []byte) []byte // nil: no answer goes out
	fails   bool                     // every XfrBlock, with failure
	failure byte
	icc     byte // told with it
	spares  bool // fails SetParameters: it does that itself

	powered, params int
	sent            [][]byte // to the card
	lastParams      []byte
}

func (r *scriptedReader) script(_ int, m ccidMessage) [][]byte {
	answer := answerTo(m)
	fail := func(code byte) [][]byte {
		answer.fields = [3]byte{ccidFailed | r.icc, code}
		return [][]byte{answer.encode()}
	}
	switch m.kind {
	case ccidPowerOn:
		r.powered++
		if r.volts != 0 && r.volts != m.fields[0] {
			answer.fields[0] = ccidInactive
			return fail(ccidMute)
		}
		answer.data = r.atr
	case ccidSetParameters:
		r.params, r.lastParams = r.params+1, m.data
		if r.spares {
			return fail(ccidNoCommand)
		}
	case ccidXfrBlock:
		r.sent = append(r.sent, m.data)
		switch {
		case m.data[0] == 0xFF && r.pps != nil:
			answer.data = r.pps(m.data)
		case r.fails:
			return fail(r.failure)
		default:
			if answer.data = r.card(m.data); answer.data == nil {
				return nil
			}
		}
	}
	return [][]byte{answer.encode()}
}

// TestCcidAsksNoModuleWithoutPower checks that a module which lost its power is not asked for its block again.
func TestCcidAsksNoModuleWithoutPower(t *testing.T) {
	r := &scriptedReader{atr: []byte{0x3B, 0x80, 0x01, 0x81}}
	r.card = func([]byte) []byte { return (t1Code{}).encode(t1Block{t1IFS | t1Response, []byte{t1LongestInf}}) }
	withScripted(t, r, func(t *testing.T, c *ccid) {
		if _, err := c.powerSAM(t.Context(), 0, true); err != nil {
			t.Fatal(err)
		}
		r.fails, r.failure, r.icc, r.sent = true, ccidMute, ccidInactive, nil
		if _, err := c.transmit(t.Context(), 0, []byte{0, 0x84, 0, 0, 8}); !errors.Is(err, ErrTimeout) || len(r.sent) != 1 {
			t.Errorf("%v, sent %x", err, r.sent)
		}
		if c.modules[0] != nil {
			t.Error("it is kept")
		}
	})
}

// TestCcidCommandIsBounded: a card that asks for time again and again, each time in good time, holds the line no longer
// than one command may take.
func TestCcidCommandIsBounded(t *testing.T) {
	r := &scriptedReader{atr: []byte{0x3B, 0x80, 0x01, 0x81}}
	r.card = func(sent []byte) []byte {
		if sent[1] == t1IFS {
			return (t1Code{}).encode(t1Block{t1IFS | t1Response, []byte{t1LongestInf}})
		}
		time.Sleep(time.Second) // of the bubble's clock
		return (t1Code{}).encode(t1Block{t1WTX, []byte{1}})
	}
	withScripted(t, r, func(t *testing.T, c *ccid) {
		if _, err := c.powerSAM(t.Context(), 0, true); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, err := c.transmit(t.Context(), 0, []byte{0, 0x84, 0, 0, 8})
		if took := time.Since(began); !errors.Is(err, ErrTimeout) || took > ccidThinking+10*time.Second { // of the bubble's clock
			t.Errorf("%v after %v", err, took)
		}
		if c.modules[0] != nil {
			t.Error("a module that is out of step is kept")
		}
		if _, err := c.slotStatus(0); err != nil {
			t.Errorf("the line: %v", err)
		}
	})
}

// withScripted runs f inside a synctest bubble.
func withScripted(t *testing.T, r *scriptedReader, f func(t *testing.T, c *ccid)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l, _ := newCcidPeer(t, r.script)
		f(t, &ccid{link: l, turn: newTurn(), modules: make([]*module, 1)})
	})
}

func agreed(request []byte) []byte { return request }

func TestCcidAgreesAboutSpeed(t *testing.T) {
	fast := []byte{0x3B, 0x10, 0x13}
	for name, c := range map[string]struct {
		reader     scriptedReader
		powered    int
		sent       string
		parameters byte
	}{
		"usual":                           {scriptedReader{atr: []byte{0x3B, 0}}, 1, "[]", 0x11},
		"taken":                           {scriptedReader{atr: fast, pps: agreed}, 1, "[ff1013fc]", 0x13},
		"protocol only":                   {scriptedReader{atr: fast, pps: func([]byte) []byte { return []byte{0xFF, 0, 0xFF} }}, 1, "[ff1013fc]", 0x11},
		"refused":                         {scriptedReader{atr: fast, pps: func([]byte) []byte { return []byte{0xFF, 0x10, 0x12, 0xFD} }}, 2, "[ff1013fc]", 0x11},
		"mute":                            {scriptedReader{atr: fast, fails: true, failure: ccidMute}, 2, "[ff1013fc]", 0x11},
		"specific mode":                   {scriptedReader{atr: []byte{0x3B, 0x90, 0x13, 0x10, 0x00}}, 1, "[]", 0x13},
		"a speed that is none":            {scriptedReader{atr: []byte{0x3B, 0x10, 0x7F}}, 1, "[]", 0x11},
		"3 V":                             {scriptedReader{atr: []byte{0x3B, 0}, volts: 2}, 2, "[]", 0x11},
		"a reader that does it by itself": {scriptedReader{atr: []byte{0x3B, 0}, spares: true}, 1, "[]", 0x11},
	} {
		t.Run(name, func(t *testing.T) {
			withScripted(t, &c.reader, func(t *testing.T, cc *ccid) {
				atr, err := cc.powerSAM(t.Context(), 0, true)
				if err != nil || !bytes.Equal(atr, c.reader.atr) {
					t.Fatalf("%x %v", atr, err)
				}
				if sent := fmt.Sprintf("%x", c.reader.sent); c.reader.powered != c.powered || sent != c.sent || c.reader.lastParams[0] != c.parameters {
					t.Errorf("powered %d times, sent %s, parameters %x", c.reader.powered, sent, c.reader.lastParams)
				}
			})
		})
	}
}

func TestCcidModulesThatCannotBeSpokenWith(t *testing.T) {
	for name, c := range map[string]struct {
		atr  []byte
		want string
	}{
		"other protocols":  {[]byte{0x3B, 0x80, 0x0E, 0x8E}, "module speaks protocols [14], not T=0 or T=1"},
		"no ATR":           {[]byte{0x3B, 0x80}, "no answer to reset: it ends before TD1"},
		"specific another": {[]byte{0x3B, 0x80, 0x9E, 0x0E, 0x01, 0x11}, "protocols [14 1]"},
	} {
		t.Run(name, func(t *testing.T) {
			withScripted(t, &scriptedReader{atr: c.atr}, func(t *testing.T, cc *ccid) {
				if _, err := cc.powerSAM(t.Context(), 0, true); err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v", err)
				}
				if cc.modules[0] != nil {
					t.Error("it is kept")
				}
			})
		})
	}
}

// TestCcidT0FollowsStatusWords shows what goes to a card of T=0 for each command.
func TestCcidT0FollowsStatusWords(t *testing.T) {
	for name, c := range map[string]struct {
		command, sent, want string
		card                []string // what it answers, in turn
	}{
		"case 1":                     {"00010203", "[00010203]", "9000", []string{"9000"}},
		"case 2":                     {"0001020302", "[0001020302]", "aabb9000", []string{"aabb9000"}},
		"case 2, length":             {"0001020300", "[0001020300 0001020302]", "aabb9000", []string{"6c02", "aabb9000"}},
		"case 2, length once only":   {"0001020300", "[0001020300 0001020302]", "6c03", []string{"6c02", "6c03"}},
		"case 2, more":               {"0001020303", "[0001020303 00c0000001]", "aabbcc9000", []string{"aabb6101", "cc9000"}},
		"case 3":                     {"0001020301dd", "[0001020301dd]", "6102", []string{"6102"}},
		"case 4":                     {"8301020301dd00", "[8301020301dd 03c0000002]", "aabb9000", []string{"6102", "aabb9000"}},
		"case 4, less wanted":        {"0001020301dd01", "[0001020301dd 00c0000001]", "aa6101", []string{"6102", "aa6101"}},
		"case 4, in pieces":          {"0001020301dd00", "[0001020301dd 00c0000001 00c0000001]", "aabb9000", []string{"6101", "aa6101", "bb9000"}},
		"case 4, 61 without end":     {"0001020301dd00", "[0001020301dd 00c0000001]", "6101", []string{"6101", "6101"}},
		"case 4, length of the rest": {"0001020301dd00", "[0001020301dd 00c0000004 00c0000002]", "aabb9000", []string{"6104", "6c02", "aabb9000"}},
		"case 4, nothing held":       {"0001020301dd00", "[0001020301dd]", "9000", []string{"9000"}},
		"channel 5":                  {"c101020301dd00", "[c101020301dd 41c0000001]", "aa9000", []string{"6101", "aa9000"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := &scriptedReader{atr: []byte{0x3B, 0}}
			r.card = func([]byte) []byte {
				next := c.card[0]
				c.card = c.card[1:]
				return mustHex(t, next)
			}
			withScripted(t, r, func(t *testing.T, cc *ccid) {
				if _, err := cc.powerSAM(t.Context(), 0, true); err != nil {
					t.Fatal(err)
				}
				got, err := cc.transmit(t.Context(), 0, mustHex(t, c.command))
				if err != nil || fmt.Sprintf("%x", got) != c.want || fmt.Sprintf("%x", r.sent) != c.sent {
					t.Errorf("%x %v, sent %x", got, err, r.sent)
				}
			})
		})
	}
}

// TestCcidOutcomeOfACommand tells a no of the reader from a card that may have executed the command.
func TestCcidOutcomeOfACommand(t *testing.T) {
	silent := func([]byte) []byte { return nil }
	for name, c := range map[string]struct {
		fails   bool
		failure byte
		unknown bool
	}{
		"no answer":            {false, 0, true},
		"mute":                 {true, ccidMute, true},
		"parity":               {true, ccidParity, true},
		"procedure byte":       {true, 0xF4, true},
		"busy":                 {true, ccidBusy, false},
		"not understood":       {true, ccidNoCommand, false},
		"no such socket there": {true, ccidNoSlot, false},
	} {
		for _, atr := range [][]byte{{0x3B, 0}, {0x3B, 0x80, 0x01, 0x81}} {
			t.Run(fmt.Sprintf("%s %x", name, atr), func(t *testing.T) {
				r := &scriptedReader{atr: atr, card: silent}
				r.card = func(block []byte) []byte { // the S(IFS) at power on
					return (t1Code{}).encode(t1Block{t1IFS | t1Response, []byte{t1LongestInf}})
				}
				withScripted(t, r, func(t *testing.T, cc *ccid) {
					if _, err := cc.powerSAM(t.Context(), 0, true); err != nil {
						t.Fatal(err)
					}
					r.fails, r.failure, r.card, r.sent = c.fails, c.failure, silent, nil
					_, err := cc.transmit(t.Context(), 0, []byte{0, 0x84, 0, 0, 8})
					var refused ErrRefused
					if errors.Is(err, ErrTimeout) != c.unknown || errors.As(err, &refused) == c.unknown {
						t.Errorf("%v", err)
					}
					commands := 0
					for _, b := range r.sent {
						if bytes.Contains(b, []byte{0, 0x84, 0, 0, 8}) {
							commands++
						}
					}
					if commands != 1 || !cc.link.isAlive() {
						t.Errorf("the card was sent %x, line alive: %v", r.sent, cc.link.isAlive())
					}
				})
			})
		}
	}
}

func TestCcidNames(t *testing.T) {
	for firmware, want := range map[string]string{
		"GemTwin-V2.00-GM02":    "ccid:GemTwin",
		"GemPCTwin-1.0.0":       "ccid:GemPCTwin",
		"GemCore POS Pro V1.10": "ccid:GemCore-POS-Pro",
		"SIM Pro 2\x00\x00":     "ccid:SIM-Pro-2",
		"":                      "ccid:unnamed",
		"\"<>\n":                "ccid:unnamed",
	} {
		if id := ccidIdentity([]byte(firmware)); id.Serial != want {
			t.Errorf("%q is %+v", firmware, id)
		}
	}
	if id := ccidIdentity(bytes.Repeat([]byte("x"), 300)); len(id.Serial) > 64 || len(id.Firmware) > 64 {
		t.Errorf("%+v", id)
	}
}

// TestCcidFailureIsNoName: a reader that is busy for a moment must not become another one.
func TestCcidFailureIsNoName(t *testing.T) {
	for name, c := range map[string]struct {
		code   byte
		fails  int
		serial string
	}{
		"busy once": {ccidBusy, 1, "ccid:GemTwin"}, "busy for ever": {ccidBusy, 9, ""}, "not known": {ccidNoCommand, 9, "ccid:unnamed"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				left := c.fails
				l, _ := newCcidPeer(t, func(_ int, m ccidMessage) [][]byte {
					answer := answerTo(m)
					if answer.data = []byte("GemTwin-V2.00-GM02"); left > 0 {
						left--
						answer.data, answer.fields = nil, [3]byte{ccidFailed, c.code}
					}
					return [][]byte{answer.encode()}
				})
				id, err := (&ccid{link: l, turn: newTurn()}).identify(t.Context())
				if id.Serial != c.serial || (err == nil) != (c.serial != "") {
					t.Errorf("%+v, %v", id, err)
				}
			})
		})
	}
}
