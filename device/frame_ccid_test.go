package device

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

func TestCcidFramesAreAsWritten(t *testing.T) {
	for want, m := range map[string]ccidMessage{
		"03066b010000000001000000026c":         {kind: ccidEscape, seq: 1, data: []byte{2}},
		"03066500000000020300000061":           {kind: ccidSlotStatus, slot: 2, seq: 3},
		"03066f0500000001070000000084000008e5": {kind: ccidXfrBlock, slot: 1, seq: 7, data: []byte{0, 0x84, 0, 0, 8}},
		"030681000000000203420500c2":           {kind: ccidSlotIs, slot: 2, seq: 3, fields: [3]byte{ccidAbsent | ccidFailed, ccidNoSlot}},
	} {
		if got := hex.EncodeToString(m.encode()); got != want {
			t.Errorf("%+v is %s, not %s", m, got, want)
		}
	}
}

func drawCcid(t *rapid.T) ccidMessage {
	return ccidMessage{
		kind: rapid.SampledFrom([]byte{ccidDataBlock, ccidSlotIs, ccidXfrBlock, ccidEscapeAnswer}).Draw(t, "kind"),
		slot: rapid.Byte().Draw(t, "slot"), seq: rapid.Byte().Draw(t, "seq"),
		fields: [3]byte(rapid.SliceOfN(rapid.Byte(), 3, 3).Draw(t, "fields")),
		data:   rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "data"),
	}
}

// TestCcidFramesAreFoundHoweverCut puts noise, slot changes and time requests between frames and delivers the
// bytes in pieces: every frame is found, and nothing that is none.
func TestCcidFramesAreFoundHoweverCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var sent []ccidMessage
		var raw []byte
		for range rapid.IntRange(1, 5).Draw(t, "frames") {
			between := rapid.SampledFrom([]string{"", "5002", "5003", "50", "81", "8182", "00ff13", "0303", "1506", "031516"}).Draw(t, "between")
			b, _ := hex.DecodeString(between) // they are all hexadecimal
			m := drawCcid(t)
			sent, raw = append(sent, m), append(append(raw, b...), m.encode()...)
		}
		var got []ccidMessage
		var d ccidDecoder
		for len(raw) > 0 {
			n := rapid.IntRange(1, len(raw)).Draw(t, "piece")
			d.feed(raw[:n])
			raw = raw[n:]
			for m, s := d.next(); s != ccidNothing; m, s = d.next() {
				if s == ccidHasMessage {
					m.data = append([]byte{}, m.data...)
					got = append(got, m)
				}
			}
		}
		if !reflect.DeepEqual(got, sent) {
			t.Fatalf("%+v\n%+v", got, sent)
		}
	})
}

func TestCcidFrameWithAWrongLRCIsNone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := ccidMessage{kind: ccidDataBlock, slot: 1, seq: 2, data: bytes.Repeat([]byte{0x20}, rapid.IntRange(0, 60).Draw(t, "n"))}
		raw := m.encode()
		raw[rapid.IntRange(0, len(raw)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		next := ccidMessage{kind: ccidSlotIs, seq: 3, data: []byte{}}
		var d ccidDecoder
		d.feed(append(raw, next.encode()...))
		d.feed(make([]byte, ccidLongest)) // what a spoiled length may wait for
		for found := false; !found; {
			switch m, s := d.next(); s {
			case ccidNothing:
				t.Fatal("the frame behind the damaged one is lost")
			case ccidHasMessage:
				if !reflect.DeepEqual(m, next) {
					t.Fatalf("%+v was taken for a frame", m)
				}
				found = true
			}
		}
	})
}

func TestCcidSignalsAreTold(t *testing.T) {
	for raw, want := range map[string][]ccidSignal{
		"031516":                               {ccidRefusal},
		"5003031516":                           {ccidRefusal},
		"80ff":                                 {ccidPatience, ccidPatience},
		"0306810000000000000000" + "00" + "ff": {ccidDamage, ccidPatience, ccidPatience},
		"030681ffff000000000000000000":         {ccidPatience, ccidPatience, ccidPatience},
		"030690":                               {ccidPatience},
	} {
		var d ccidDecoder
		d.feed(mustHex(t, raw))
		var got []ccidSignal
		for _, s := d.next(); s != ccidNothing; _, s = d.next() {
			got = append(got, s)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, not %v", raw, got, want)
		}
	}
}

// FuzzCcidFrame checks that whatever arrives, a message taken out is one that was sent byte for byte, and that
// the decoder waits for no more than a frame.
func FuzzCcidFrame(f *testing.F) {
	f.Fuzz(func(t *testing.T, raw []byte) {
		var d ccidDecoder
		d.feed(raw)
		for {
			m, s := d.next()
			if s == ccidNothing {
				break
			}
			if s == ccidHasMessage && !bytes.Contains(raw, m.encode()) {
				t.Fatalf("%+v was never sent", m)
			}
		}
		if len(d.buf) >= ccidLongest {
			t.Fatalf("%d bytes wait", len(d.buf))
		}
		for len(d.buf) > 0 {
			was := len(d.buf)
			d.gap()
			for _, s := d.next(); s != ccidNothing; _, s = d.next() {
			}
			if len(d.buf) >= was {
				t.Fatal("a gap does not end what waits")
			}
		}
	})
}
