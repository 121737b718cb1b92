package device

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
)

func TestMposList(t *testing.T) {
	withPlayedReader("names every place once, in order", t, func(t *testing.T, c *mpos, r *playedReader) {
		slots, err := c.slots(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var full []uint16
		for i, s := range slots {
			if i > 0 && s.ID <= slots[i-1].ID {
				t.Fatalf("slot %04X after %04X", s.ID, slots[i-1].ID)
			}
			if s.State == SlotLoaded {
				full = append(full, s.ID)
			}
		}
		if !slices.Equal(full, playedKeys) || len(slots) != 620 {
			t.Errorf("%d slots, full: %04X", len(slots), full)
		}
		want := Slot{ID: 0x0101, Type: "TDK", Alg: "3DES", KCV: "82e13665", Method: "zero-block", State: SlotLoaded}
		if slots[0] != want {
			t.Errorf("slot %+v", slots[0])
		}
		if empty := (Slot{ID: 0x0102, Type: "TDK", State: SlotEmpty}); slots[1] != empty {
			t.Errorf("slot %+v", slots[1])
		}
		tlk := slots[slices.IndexFunc(slots, func(s Slot) bool { return s.ID == 0x0501 })]
		if !tlk.Retained || tlk.Reason != "remote-loading" || tlk.Type != "TLK" {
			t.Errorf("slot %+v", tlk)
		}
		// On a slow line a list takes as long as its frames: one for each place, and the name before and after.
		if _, commands := r.said(); len(commands) != len(slots)+2 || commands[0] != mposSerial || commands[len(commands)-1] != mposSerial {
			t.Errorf("%d questions", len(commands))
		}
	})
	withPlayedReader("a reader may have fewer places", t, func(t *testing.T, c *mpos, r *playedReader) {
		r.change(func() { r.instead[mposWorkKey] = mposNoPlace })
		if slots, err := c.slots(t.Context()); err != nil || len(slots) != 0 {
			t.Errorf("%d slots, %v", len(slots), err)
		}
	})
	withPlayedReader("what cannot be used is there", t, func(t *testing.T, c *mpos, r *playedReader) {
		r.change(func() { r.instead[mposWorkKey] = mposRefused })
		slots, err := c.slots(t.Context())
		if err != nil || len(slots) != 620 || slots[9].State != SlotBlocked || slots[9].ID != 0x010A {
			t.Errorf("%d slots, %v", len(slots), err)
		}
	})
	for name, answer := range map[string]string{
		"no second result":      "00",
		"a strange one":         "00\x00\x00",
		"no KCV":                "0000",
		"a KCV of three bytes":  "0000\x00\x03\x82\xE1\x36\x02",
		"no algorithm":          "0000\x00\x04\x82\xE1\x36\x65",
		"an unknown algorithm":  "0000\x00\x04\x82\xE1\x36\x65\x09",
		"a memory failure":      "08",
		"a refusal of this key": "0051",
	} {
		withPlayedReader(name+" ends the list", t, func(t *testing.T, c *mpos, r *playedReader) {
			r.change(func() { r.instead[mposWorkKey] = answer })
			var refused ErrRefused
			if slots, err := c.slots(t.Context()); !errors.Is(err, errDamaged) && !errors.As(err, &refused) {
				t.Errorf("%d slots, %v", len(slots), err)
			}
		})
	}
	for alg, want := range map[byte][2]string{1: {"DES", "zero-block"}, 3: {"AES-128", "cmac"}, 4: {"SM4", "zero-block"}} {
		s, err := parseMposSlot(&mposBody{rest: append([]byte("00\x00\x04abcd"), alg)}, mposKinds[1].slot(7))
		if err != nil || s.Alg != want[0] || s.Method != want[1] || s.ID != 0x0207 {
			t.Errorf("algorithm %d: %+v %v", alg, s, err)
		}
	}
}

func TestMposProbe(t *testing.T) {
	withPlayedReader("uses the key where it can", t, func(t *testing.T, c *mpos, r *playedReader) {
		for slot, with := range map[uint16]uint16{
			0x0106: mposCrypt, 0x0301: mposMAC, 0x0201: mposWorkKey, 0x0402: mposWorkKey, 0x0501: mposWorkKey, 0x0601: mposWorkKey,
		} {
			if err := c.probe(t.Context(), slot); err != nil {
				t.Errorf("slot %04X: %v", slot, err)
			}
			if _, commands := r.said(); !slices.Equal(commands, []uint16{mposSerial, with}) {
				t.Errorf("slot %04X was asked with %04X", slot, commands)
			}
			r.change(func() { delete(r.keys, slot) })
			if err := c.probe(t.Context(), slot); !errors.Is(err, ErrNoKey) {
				t.Errorf("slot %04X without a key: %v", slot, err)
			}
			r.said()
		}
	})
	withPlayedReader("knows no other places", t, func(t *testing.T, c *mpos, r *playedReader) {
		for _, slot := range []uint16{0, 0x0100, 0x01C9, 0x0401, 0x040B, 0x0502, 0x0600, 0x0701, 0xFF01} {
			var refused ErrRefused
			if err := c.probe(t.Context(), slot); !errors.As(err, &refused) {
				t.Errorf("slot %04X: %v", slot, err)
			}
		}
		if _, commands := r.said(); len(commands) > 0 {
			t.Errorf("the reader was asked %04X", commands)
		}
	})
	withPlayedReader("is not taken in by an echo", t, func(t *testing.T, c *mpos, r *playedReader) {
		c.options.Rand = bytes.NewReader([]byte("sixteen bytes of"))
		if err := c.probe(t.Context(), 0x0101); !errors.Is(err, errDamaged) {
			t.Error(err)
		}
	})
	withPlayedReader("takes no answer for a use that is none", t, func(t *testing.T, c *mpos, r *playedReader) {
		r.change(func() { r.instead[mposCrypt], r.instead[mposMAC] = "0000\x00\x15fifteen bytes o", "0000\x00\x04four" })
		for _, slot := range []uint16{0x0101, 0x0301} {
			if err := c.probe(t.Context(), slot); !errors.Is(err, errDamaged) {
				t.Errorf("slot %04X: %v", slot, err)
			}
		}
	})
}

func TestMposDelete(t *testing.T) {
	every := []uint16{0x0101, 0x0106, 0x01C8, 0x0201, 0x0301, 0x0402, 0x0601}
	for _, scope := range [][]uint16{{0x0106}, {0x0402}, {0x0601}, {0x0301, 0x0101, 0x0301}, {0x0207}, every} {
		withPlayedReader(fmt.Sprintf("%04X", scope), t, func(t *testing.T, c *mpos, r *playedReader) {
			if err := c.deleteKeys(t.Context(), scope); err != nil {
				t.Fatal(err)
			}
			var left []uint16
			for _, k := range playedKeys {
				if !slices.Contains(scope, k) {
					left = append(left, k)
				}
			}
			if got := slices.Sorted(maps.Keys(r.keys)); !slices.Equal(got, left) {
				t.Errorf("left are %04X, not %04X", got, left)
			}
		})
	}
	withPlayedReader("names the slots one by one, each after the reader's name", t, func(t *testing.T, c *mpos, r *playedReader) {
		if err := c.deleteKeys(t.Context(), []uint16{0x0402, 0x01C8}); err != nil {
			t.Fatal(err)
		}
		frames, commands := r.said()
		if !slices.Equal(commands, []uint16{mposSerial, mposDeleteKey, mposSerial, mposDeleteKey}) {
			t.Fatalf("said %04X", commands)
		}
		same(t, "first", frames[1].data, []byte{0x01, 0x00, 0x01, 200})
		same(t, "second", frames[3].data, []byte{0x06, 0x00, 0x01, 2})
	})
	withPlayedReader("sends nothing if one of them cannot be deleted", t, func(t *testing.T, c *mpos, r *playedReader) {
		for _, slot := range []uint16{0x0501, 0x01C9, 0x0401, 0xFF01} {
			if err := c.deleteKeys(t.Context(), []uint16{0x0101, slot}); !isRefusal(err, CodeScope) {
				t.Errorf("slot %04X: %v", slot, err)
			}
		}
		if _, commands := r.said(); len(commands) > 0 {
			t.Errorf("the reader was told %04X", commands)
		}
	})
	withPlayedReader("leaves no key because the reader refuses another", t, func(t *testing.T, c *mpos, r *playedReader) {
		for _, answer := range []string{"05", "0005", "08"} {
			r.change(func() { r.instead[mposDeleteKey] = answer })
			var refused ErrRefused
			if err := c.deleteKeys(t.Context(), every); !errors.As(err, &refused) {
				t.Errorf("%s: %v", answer, err)
			}
			if _, commands := r.said(); len(commands) != 2*len(every) {
				t.Errorf("%s: told %d times", answer, len(commands))
			}
		}
	})
	withPlayedReader("an answer without a second result is none", t, func(t *testing.T, c *mpos, r *playedReader) {
		r.change(func() { r.instead[mposDeleteKey] = "00" })
		if err := c.deleteKeys(t.Context(), every); !errors.Is(err, errDamaged) {
			t.Error(err)
		}
	})
	withPlayedReader("no key is as good as deleted", t, func(t *testing.T, c *mpos, r *playedReader) {
		r.change(func() { r.instead[mposDeleteKey] = mposOK + mposNoKey })
		if err := c.deleteKeys(t.Context(), every); err != nil {
			t.Error(err)
		}
	})
}
