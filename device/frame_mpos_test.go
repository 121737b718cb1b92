package device

import (
	"bytes"
	"encoding/hex"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// publishedMpos is a frame that a terminal maker's test suite shows: delete everything but the TLK.
const publishedMpos = "0200081a202f1704000100030c"

func TestPublishedMposFrame(t *testing.T) {
	line, err := hex.DecodeString(publishedMpos)
	if err != nil {
		t.Fatal(err)
	}
	f := mposFrame{cmd: mposDeleteKey, seq: 0x17, data: []byte{0x04, 0x00, 0x01, 0x00}}
	b, err := f.encode()
	if err != nil {
		t.Fatal(err)
	}
	same(t, "frame", b, line)
	var d mposDecoder
	d.feed(line)
	got, whole := d.next()
	if !whole || !sameMpos(got, f) {
		t.Errorf("read %+v, whole: %v", got, whole)
	}
}

// TestPublishedKCVQuery holds our question against the published example: working key, TDK 6 under TMK 2, 16 bytes of
// key, 8 of KCV, mode 02.
func TestPublishedKCVQuery(t *testing.T) {
	published := slices.Concat([]byte{0x01, 0x02, 0x06, 0x00, 0x16}, make([]byte, 16), []byte{0x00, 0x08}, make([]byte, 8), []byte{0x02})
	same(t, "question", kcvQuery(mposKinds[0], 6), published)
}

func sameMpos(a, b mposFrame) bool {
	return a.cmd == b.cmd && a.seq == b.seq && bytes.Equal(a.data, b.data)
}

func anyMposFrame() *rapid.Generator[mposFrame] {
	return rapid.Custom(func(t *rapid.T) mposFrame {
		return mposFrame{
			cmd:  rapid.Uint16().Draw(t, "cmd"),
			seq:  rapid.ByteMin(1).Draw(t, "seq"),
			data: rapid.SliceOfN(rapid.Byte(), 0, 150).Draw(t, "data"),
		}
	})
}

func mustEncodeMpos(t interface{ Fatal(...any) }, f mposFrame) []byte {
	b, err := f.encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// drainMpos takes all frames out, with the silence that ends the partial ones.
func drainMpos(d *mposDecoder) (frames []mposFrame) {
	for {
		f, whole := d.next()
		switch {
		case whole:
			f.data = bytes.Clone(f.data)
			frames = append(frames, f)
		case !d.pending():
			return frames
		default:
			d.gap()
		}
	}
}

func TestMposFramesSurviveAnyCutting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sent := rapid.SliceOfN(anyMposFrame(), 1, 8).Draw(t, "frames")
		var line []byte
		for _, f := range sent {
			line = append(line, mustEncodeMpos(t, f)...)
		}
		var d mposDecoder
		var got []mposFrame
		for len(line) > 0 {
			n := rapid.IntRange(1, len(line)).Draw(t, "chunk")
			d.feed(line[:n])
			line = line[n:]
			for f, whole := d.next(); whole; f, whole = d.next() {
				f.data = bytes.Clone(f.data)
				got = append(got, f)
			}
		}
		if d.pending() || !slices.EqualFunc(got, sent, sameMpos) {
			t.Fatalf("%d frames became %d", len(sent), len(got))
		}
	})
}

func TestOneTurnedBitIsNeverAnMposFrame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := mposFrame{cmd: mposWorkKey, seq: rapid.ByteMin(1).Draw(t, "seq"), data: rapid.SliceOfN(rapid.ByteMin(0x10), 0, 40).Draw(t, "data")}
		b := mustEncodeMpos(t, f)
		b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		var d mposDecoder
		d.feed(b)
		if got := drainMpos(&d); len(got) > 0 {
			t.Fatalf("read %+v", got)
		}
	})
}

// withLRC makes the last byte right again.
func withLRC(b []byte) []byte {
	end := len(b) - 1
	b[end] = lrc(b[1:end])
	return b
}

func TestNextMposFrameIsFoundBehindDamage(t *testing.T) {
	good := mposFrame{cmd: mposSerial, seq: 9, data: []byte("00")}
	other := mustEncodeMpos(t, mposFrame{cmd: mposInfo, seq: 8, data: []byte("00 something longer")})
	change := func(at int, to byte) []byte {
		b := bytes.Clone(other)
		b[at] = to
		return b
	}
	cases := map[string][]byte{
		"noise":              {0x55, 0xAA, 0x00},
		"three STX":          {stx, stx, stx},
		"LEN is no number":   change(2, 0x2A),
		"LEN over the limit": change(1, 0x10), // 1000 more than it is
		"LEN too small":      {stx, 0x00, 0x03, 0xF1, 0x01, mposSeparator, 1, etx, 0},
		"no separator":       change(5, 0x2E),
		"number 0":           change(6, 0x00),
		"no ETX":             withLRC(change(len(other)-2, 0x04)),
		"wrong LRC":          change(len(other)-1, other[len(other)-1]^1),
		"cut":                other[:12],
	}
	for name, noise := range cases {
		t.Run(name, func(t *testing.T) {
			var d mposDecoder
			d.feed(slices.Concat(noise, mustEncodeMpos(t, good)))
			if got := drainMpos(&d); len(got) != 1 || !sameMpos(got[0], good) {
				t.Errorf("read %+v", got)
			}
		})
	}
}

func TestMposLengthLimit(t *testing.T) {
	if _, err := (mposFrame{data: make([]byte, mposMaxLen-mposCounted+1)}).encode(); err == nil {
		t.Error("encoded")
	}
	b := mustEncodeMpos(t, mposFrame{seq: 1, data: make([]byte, mposMaxLen-mposCounted)})
	if len(b) != mposLongest {
		t.Errorf("longest frame has %d bytes", len(b))
	}
	var d mposDecoder
	d.feed(b)
	if _, whole := d.next(); !whole {
		t.Error("the longest frame is not read")
	}
	d.feed([]byte{stx, 0x10, 0x25, 0x1A, 0x05, mposSeparator, 1, 0, 0})
	if _, whole := d.next(); whole || d.pending() {
		t.Error("a frame over the limit is waited for")
	}
}

func TestBCDGoesThereAndBack(t *testing.T) {
	for n := range 10000 {
		if got, ok := readBCD(appendBCD(nil, n)); !ok || got != n {
			t.Fatalf("%d became %d, %v", n, got, ok)
		}
	}
	for _, bad := range [][]byte{{0x0A, 0}, {0xA0, 0}, {0, 0x0F}, {0, 0xF0}} {
		if n, ok := readBCD(bad); ok {
			t.Errorf("%x was read as %d", bad, n)
		}
	}
}

func FuzzMposFrame(f *testing.F) {
	published, err := hex.DecodeString(publishedMpos)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(published)
	f.Fuzz(func(t *testing.T, b []byte) {
		var d mposDecoder
		d.feed(b)
		for _, x := range drainMpos(&d) {
			if !bytes.Contains(b, mustEncodeMpos(t, x)) {
				t.Fatal("a frame that was not on the line")
			}
			readEverything(x.data)
		}
	})
}

// readEverything hands an answer's body to every parser there is.
func readEverything(data []byte) {
	_, _ = parseMposInfo("PED-0001", &mposBody{rest: data})
	_, _ = parseMposSlot(&mposBody{rest: data}, Slot{})
	b := &mposBody{rest: data}
	b.exactly(16)
}
