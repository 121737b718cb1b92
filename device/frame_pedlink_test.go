package device

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

func anyFrame() *rapid.Generator[frame] {
	return rapid.Custom(func(t *rapid.T) frame {
		f := frame{typ: rapid.ByteRange(typCommand, typResetAck).Draw(t, "typ"), seq: rapid.Byte().Draw(t, "seq")}
		if isLong(f.typ) {
			f.payload = rapid.SliceOfN(rapid.Byte(), 0, 80).Draw(t, "payload")
		} else {
			f.arg = rapid.Uint16().Draw(t, "arg")
		}
		return f
	})
}

func mustEncode(t interface{ Fatal(...any) }, f frame) []byte {
	b, err := f.encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func equal(a, b frame) bool {
	return a.typ == b.typ && a.seq == b.seq && a.arg == b.arg && bytes.Equal(a.payload, b.payload)
}

// drain takes all frames out and says which were damaged.
func drain(d *decoder) (frames []frame, damaged int) {
	for {
		f, v := d.next()
		switch v {
		case incomplete:
			return frames, damaged
		case spoiled:
			damaged++
		case whole:
			f.payload = bytes.Clone(f.payload)
			frames = append(frames, f)
		}
	}
}

func TestFramesSurviveAnyCutting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sent := rapid.SliceOfN(anyFrame(), 1, 8).Draw(t, "frames")
		var line []byte
		for _, f := range sent {
			line = append(line, mustEncode(t, f)...)
		}
		var d decoder
		var got []frame
		for len(line) > 0 {
			n := rapid.IntRange(1, len(line)).Draw(t, "chunk")
			d.feed(line[:n])
			line = line[n:]
			frames, damaged := drain(&d)
			if damaged > 0 {
				t.Fatal("a good frame was called damaged")
			}
			got = append(got, frames...)
		}
		if len(got) != len(sent) || d.pending() {
			t.Fatalf("%d frames became %d", len(sent), len(got))
		}
		for i := range got {
			if !equal(got[i], sent[i]) {
				t.Fatalf("frame %d changed", i)
			}
		}
	})
}

func TestDamageNeverMakesAnotherFrame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := anyFrame().Filter(func(f frame) bool { return isLong(f.typ) }).Draw(t, "frame")
		b := mustEncode(t, f)
		at := rapid.IntRange(headerLen, len(b)-1).Draw(t, "at")
		b[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		var d decoder
		d.feed(b)
		_, v := d.next()
		if v != spoiled {
			t.Fatalf("verdict %d", v)
		}
		for _, f := range must2(drain(&d)) {
			if isLong(f.typ) {
				t.Fatal("a payload was read out of damage")
			}
		}
	})
}

func must2(frames []frame, _ int) []frame { return frames }

func TestNextFrameIsFoundBehindNoise(t *testing.T) {
	good := mustEncode(t, frame{typ: typResponse, seq: 9, payload: []byte{0, 2, 0, 0}})
	cases := map[string][]byte{
		"noise":                 {0x55, 0xAA, 0x00},
		"STX without header":    {stx, stx, stx},
		"header with wrong sum": {stx, typResponse, 1, 0, 4, 0xEE},
		"unknown type":          appendHeader(nil, 0x2F, 1, 4),
		"length over the limit": appendHeader(nil, typResponse, 1, maxPayload+1),
	}
	for name, noise := range cases {
		t.Run(name, func(t *testing.T) {
			var d decoder
			d.feed(append(noise, good...))
			frames, damaged := drain(&d)
			if len(frames) != 1 || frames[0].seq != 9 || damaged != 0 {
				t.Errorf("got %d frames, %d damaged", len(frames), damaged)
			}
		})
	}
}

func TestDamagedFrameTakesNoOtherWithIt(t *testing.T) {
	bad := mustEncode(t, frame{typ: typEvent, seq: 1, payload: []byte("damaged")})
	bad[headerLen] ^= 1
	good := mustEncode(t, frame{typ: typResponse, seq: 9, payload: []byte{0, 2, 0, 0}})
	var d decoder
	d.feed(append(bad, good...))
	if frames, damaged := drain(&d); len(frames) != 1 || damaged != 1 {
		t.Errorf("got %d frames, %d damaged", len(frames), damaged)
	}
}

func TestFrameSwallowedByACutOneIsFound(t *testing.T) {
	cut := mustEncode(t, frame{typ: typEvent, seq: 1, payload: make([]byte, 20)})[:headerLen+4] // 16 bytes and the tail are lost
	good := mustEncode(t, frame{typ: typResponse, seq: 9, payload: make([]byte, 30)})
	var d decoder
	d.feed(append(cut, good...))
	frames, damaged := drain(&d)
	if len(frames) != 1 || frames[0].seq != 9 || damaged != 1 {
		t.Errorf("got %d frames, %d damaged", len(frames), damaged)
	}
}

func TestGapGivesUpOnlyThePartialFrame(t *testing.T) {
	good := mustEncode(t, frame{typ: typResponse, seq: 9, payload: []byte{0, 2, 0, 0}})
	var d decoder
	d.feed(appendHeader(nil, typEvent, 1, 1000)) // its payload never comes
	d.feed(good)
	if frames, _ := drain(&d); len(frames) != 0 {
		t.Fatal("read too early")
	}
	d.gap()
	if frames, _ := drain(&d); len(frames) != 1 || frames[0].seq != 9 {
		t.Errorf("got %d frames after the gap", len(frames))
	}
}

func TestPayloadOverTheLimitIsNotSent(t *testing.T) {
	if _, err := (frame{typ: typCommand, payload: make([]byte, maxPayload+1)}).encode(); err == nil {
		t.Error("encoded")
	}
	if b := mustEncode(t, frame{typ: typCommand, payload: make([]byte, maxPayload)}); len(b) != longestFrame {
		t.Errorf("longest frame has %d bytes", len(b))
	}
}

func TestFieldsAreStrict(t *testing.T) {
	cases := map[string]struct {
		payload []byte
		good    bool
	}{
		"empty":           {nil, true},
		"one":             {appendField(nil, 0x01, []byte("x")), true},
		"cut head":        {[]byte{0x01, 0x00}, false},
		"cut value":       {[]byte{0x01, 0x00, 0x02, 0x41}, false},
		"twice":           {append(appendField(nil, 1, nil), appendField(nil, 1, nil)...), false},
		"entries repeat":  {append(appendField(nil, tagKeyEntry, nil), appendField(nil, tagKeyEntry, nil)...), true},
		"unknown is kept": {appendField(nil, 0xEE, []byte("later")), true},
	}
	for name, c := range cases {
		if f := parseFields(c.payload); (f.err == nil) != c.good {
			t.Errorf("%s: %v", name, f.err)
		}
	}
	f := parseFields(appendField16(nil, tagSlot, 7))
	if f.u16(tagSlot) != 7 || f.err != nil {
		t.Error("u16 is not read back")
	}
	if f.u32(tagSlot); !errors.Is(f.err, errDamaged) {
		t.Error("wrong size was read")
	}
}

func FuzzDecoder(f *testing.F) {
	for _, b := range golden(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var d decoder
		d.feed(b)
		for range len(b) + 1 {
			x, v := d.next()
			switch {
			case v == whole && !bytes.Contains(b, mustEncode(t, x)):
				t.Fatal("a frame that was not on the line")
			case v == incomplete && !d.pending():
				return
			case v == incomplete:
				d.gap()
			}
		}
		if d.pending() {
			t.Fatal("the decoder does not come to an end")
		}
	})
}

func FuzzFields(f *testing.F) {
	f.Add(appendField(appendField16(nil, tagSlot, 7), tagSerial, []byte("PED-0001")))
	f.Add(appendField(nil, tagKeyEntry, appendField16(nil, tagSlot, 7)))
	f.Fuzz(func(t *testing.T, b []byte) {
		x := parseFields(b)
		if x.err == nil {
			var again []byte
			for _, v := range x.list {
				again = appendField(again, v.tag, v.value)
			}
			if !bytes.Equal(again, b) {
				t.Fatal("fields do not give their bytes back")
			}
		}
		_, _ = parseIdentity(x)
		_, _ = parseSlots(x, 0)
		_ = parseBacklog(x)
	})
}

func FuzzRecord(f *testing.F) {
	g := golden(f)
	f.Add(g["record-message"], g["record-signature"])
	f.Add(g["ticket-message"], g["ticket-signature"])
	f.Fuzz(func(t *testing.T, message, signature []byte) {
		r, err := ParseRecord(message, signature)
		if err == nil && !bytes.Equal(r.Message(), message) {
			t.Fatal("a record that was read is not the one that was signed")
		}
	})
}
