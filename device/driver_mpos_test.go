package device

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// playedReader answers as a reader with these keys does; a test may put another answer in the place of any command's.
type playedReader struct {
	peer *mposPeer

	mu      sync.Mutex // everything below
	serial  string
	keys    map[uint16]bool   // Slot.ID
	instead map[uint16]string // answers by command
	once    map[uint16]string // the next answer by command
	heard   []mposFrame
}

func (r *playedReader) run() {
	for f := range r.peer.requests {
		data := r.obey(f)
		b, err := mposFrame{cmd: f.cmd, seq: mposNext(f.seq), data: []byte(data)}.encode()
		if err != nil {
			panic(err)
		}
		if _, err := r.peer.conn.Write(b); err != nil {
			return // the test is over
		}
	}
}

func (r *playedReader) obey(f mposFrame) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heard = append(r.heard, f)
	if answer, set := r.once[f.cmd]; set {
		delete(r.once, f.cmd)
		return answer
	}
	if answer, set := r.instead[f.cmd]; set {
		return answer
	}
	switch f.cmd {
	case mposSerial:
		return "00" + string(appendLL(nil, []byte(r.serial)))
	case mposInfo:
		return "00" + lls("MAKER", "MODEL-1", "1.2.3", "B")
	case mposTamper:
		return "00\x00\x00\x00\x00"
	case mposWorkKey:
		return r.about(uint16(f.data[0])<<8|uint16(f.data[2]), "\x00\x04\x82\xE1\x36\x65\x02")
	case mposCrypt:
		return r.about(0x0100|uint16(f.data[0]), "\x00\x16sixteen bytes of")
	case mposMAC:
		return r.about(0x0300|uint16(f.data[0]), "\x00\x08of eight")
	case mposDeleteKey:
		return r.delete(f.data)
	case mposRestart:
		return mposOK
	}
	return mposUnknown
}

func (r *playedReader) about(slot uint16, answer string) string {
	if !r.keys[slot] {
		return mposOK + mposNoKey
	}
	return mposOK + mposOK + answer
}

// delete knows "everything" too, so that a wrong number does the harm that it would do.
func (r *playedReader) delete(data []byte) string {
	kinds := map[byte]byte{0x01: 0x01, 0x02: 0x02, 0x03: 0x03, 0x06: 0x04, 0x07: 0x06}
	if data[0] == 0x04 || data[0] == 0x05 {
		r.keys = map[uint16]bool{}
	}
	for _, index := range data[3:] {
		delete(r.keys, uint16(kinds[data[0]])<<8|uint16(index))
	}
	return mposOK + mposOK
}

func lls(fields ...string) string {
	var b []byte
	for _, f := range fields {
		b = appendLL(b, []byte(f))
	}
	return string(b)
}

// said returns the requests since the last time and their commands.
func (r *playedReader) said() (frames []mposFrame, commands []uint16) {
	r.mu.Lock()
	defer r.mu.Unlock()
	frames, r.heard = r.heard, nil
	for _, f := range frames {
		commands = append(commands, f.cmd)
	}
	return frames, commands
}

func (r *playedReader) change(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

var playedKeys = []uint16{0x0101, 0x0106, 0x01C8, 0x0201, 0x0301, 0x0402, 0x0501, 0x0601}

// withPlayedReader runs a test with fake time and a conversation that has begun.
func withPlayedReader(name string, t *testing.T, f func(t *testing.T, c *mpos, r *playedReader)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l, p := newMposPeer(t)
			r := &playedReader{peer: p, serial: "PED-0001", keys: map[uint16]bool{}, instead: map[uint16]string{}}
			for _, k := range playedKeys {
				r.keys[k] = true
			}
			go r.run()
			conv, err := converseMpos(l, &Options{Serial: "PED-0001", Rand: rand.Reader}, func(State) {})
			if err != nil {
				t.Fatal(err)
			}
			r.said()
			f(t, conv.(*mpos), r)
		})
	})
}

func TestMposIdentity(t *testing.T) {
	withPlayedReader("is serial and versions", t, func(t *testing.T, c *mpos, _ *playedReader) {
		id, err := c.identify(t.Context())
		if err != nil || id.Serial != "PED-0001" || id.Model != "MODEL-1" || id.Firmware != "1.2.3" || id.Hardware != "B" ||
			id.Driver != "mpos" || id.RecordKey != nil || id.MaxLength != 1024 || c.who().Serial != id.Serial || c.limited() != nil {
			t.Errorf("identity %+v, %v, limit %v", id, err, c.limited())
		}
	})
	for name, answer := range map[string]string{
		"no name":        "00" + lls("MAKER", "a\nb", "1", "B"),
		"too few fields": "00" + lls("MAKER", "MODEL-1", "1"),
		"cut":            "00" + lls("MAKER", "MODEL-1", "1", "BBB")[:20],
		"no length":      "00\x00\xA0",
	} {
		withPlayedReader(name, t, func(t *testing.T, c *mpos, r *playedReader) {
			r.change(func() { r.instead[mposInfo] = answer })
			if id, err := c.identify(t.Context()); !errors.Is(err, errDamaged) {
				t.Errorf("identity %+v, %v", id, err)
			}
		})
	}
	withPlayedReader("more than is known is left unread", t, func(t *testing.T, c *mpos, r *playedReader) {
		r.change(func() { r.instead[mposInfo] = "00" + lls("MAKER", "MODEL-1", "1", "B", "later") })
		if _, err := c.identify(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestMposForeignReaderIsOnlyAskedWhoItIs(t *testing.T) {
	withPlayedReader("may say its name", t, func(t *testing.T, c *mpos, r *playedReader) {
		c.options.Serial = "PED-0002"
		var foreign ErrForeign
		if !errors.As(c.limited(), &foreign) || foreign.Serial != "PED-0001" {
			t.Errorf("limit %v", c.limited())
		}
		if id, err := c.identify(t.Context()); err != nil || id.Serial != "PED-0001" || !c.on().isAlive() {
			t.Errorf("identity %+v, %v", id, err)
		}
	})
}

func TestMposResults(t *testing.T) {
	withPlayedReader("refusals carry the reader's number", t, func(t *testing.T, c *mpos, r *playedReader) {
		for result, want := range map[string]string{
			"02": "malformed command (mpos 02)", "03": "no such slot (mpos 03)", "05": "refused (mpos 05)",
			"08": "reader's memory failed (mpos 08)", "7A": "unknown result (mpos 7A)",
		} {
			r.change(func() { r.instead[mposTamper] = result })
			var refused ErrRefused
			if _, err := c.tamper(t.Context()); !errors.As(err, &refused) || refused.Reason() != want || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", result, err)
			}
		}
	})
	withPlayedReader("an unknown command is unsupported", t, func(t *testing.T, c *mpos, r *playedReader) {
		r.change(func() { r.instead[mposRestart] = mposUnknown })
		if _, err := c.restart(t.Context()); !errors.Is(err, ErrUnsupported) {
			t.Error(err)
		}
	})
	withPlayedReader("tamper register", t, func(t *testing.T, c *mpos, r *playedReader) {
		if state, err := c.tamper(t.Context()); err != nil || state.Detected {
			t.Errorf("%+v %v", state, err)
		}
		r.change(func() { r.instead[mposTamper] = "00\x00\x00\x20\x00" })
		if state, err := c.tamper(t.Context()); err != nil || !state.Detected {
			t.Errorf("%+v %v", state, err)
		}
		r.change(func() { r.instead[mposTamper] = "00\x00\x00" })
		if _, err := c.tamper(t.Context()); !errors.Is(err, errDamaged) {
			t.Errorf("cut: %v", err)
		}
	})
}

// TestMposChangedReader: nothing on the line says that it was put into another reader.
func TestMposChangedReader(t *testing.T) {
	for name, order := range map[string]func(context.Context, *mpos) error{
		"delete":  func(ctx context.Context, c *mpos) error { return c.deleteKeys(ctx, []uint16{0x0101}) },
		"probe":   func(ctx context.Context, c *mpos) error { return c.probe(ctx, 0x0101) },
		"tamper":  func(ctx context.Context, c *mpos) error { _, err := c.tamper(ctx); return err },
		"list":    func(ctx context.Context, c *mpos) error { _, err := c.slots(ctx); return err },
		"restart": func(ctx context.Context, c *mpos) error { _, err := c.restart(ctx); return err },
	} {
		withPlayedReader(name+" asks a stranger for its name only", t, func(t *testing.T, c *mpos, r *playedReader) {
			r.change(func() { r.serial = "PED-9999" })
			var foreign ErrForeign
			if err := order(t.Context(), c); !errors.As(err, &foreign) || foreign.Serial != "PED-9999" {
				t.Errorf("error %v", err)
			}
			if _, commands := r.said(); !slices.Equal(commands, []uint16{mposSerial, mposSerial}) {
				t.Errorf("it was asked %04X", commands)
			}
			if c.on().isAlive() {
				t.Error("the conversation goes on")
			}
		})
	}
	withPlayedReader("one that comes in the middle of a list", t, func(t *testing.T, c *mpos, r *playedReader) {
		done := make(chan error, 1)
		go func() { _, err := c.slots(t.Context()); done <- err }()
		r.change(func() { r.instead[mposWorkKey] = mposOK + mposNoKey })
		for heard := 0; heard < 100; {
			frames, _ := r.said()
			heard += len(frames)
		}
		r.change(func() { r.serial = "PED-9999" })
		var foreign ErrForeign
		if err := <-done; !errors.As(err, &foreign) {
			t.Errorf("error %v", err)
		}
	})
	withPlayedReader("a quiet one is asked for its name", t, func(t *testing.T, c *mpos, r *playedReader) {
		c.asked.Store(false)
		c.checkAlive()
		if _, commands := r.said(); !slices.Equal(commands, []uint16{mposSerial}) || !c.on().isAlive() {
			t.Errorf("it was asked %04X", commands)
		}
		c.checkAlive() // it has just said something
		if _, commands := r.said(); len(commands) > 0 {
			t.Errorf("it was asked %04X", commands)
		}
		r.change(func() { r.serial = "PED-9999" })
		c.checkAlive()
		if c.on().isAlive() {
			t.Error("a stranger goes unnoticed")
		}
	})
	withPlayedReader("a name that is told once is damage", t, func(t *testing.T, c *mpos, r *playedReader) {
		r.change(func() { r.once = map[uint16]string{mposSerial: "00" + lls("PED-0010")} })
		if err := c.deleteKeys(t.Context(), []uint16{0x0101}); !errors.Is(err, errDamaged) || !c.on().isAlive() {
			t.Errorf("error %v, alive %v", err, c.on().isAlive())
		}
		if err := c.deleteKeys(t.Context(), []uint16{0x0101}); err != nil {
			t.Error(err)
		}
	})
	withPlayedReader("asked who it is, it may say so", t, func(t *testing.T, c *mpos, r *playedReader) {
		r.change(func() { r.serial = "PED-9999" })
		if id, err := c.identify(t.Context()); err != nil || id.Serial != "PED-9999" || c.on().isAlive() {
			t.Errorf("identity %+v, %v, alive %v", id, err, c.on().isAlive())
		}
	})
}

func TestMposNeedsRandomness(t *testing.T) {
	l, _ := newMposPeer(t)
	if _, err := converseMpos(l, &Options{Rand: bytes.NewReader(nil)}, func(State) {}); err == nil {
		t.Error("it began without a random number")
	}
}
