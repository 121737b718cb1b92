package devicesim

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func noiseOf(t testing.TB, text string) Noise {
	t.Helper()
	n, err := ParseNoise(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// traffic is n frames of pedlink with a few bytes between them that are none.
func traffic(n int) []byte {
	var b []byte
	for i := range n {
		b = append(b, frame{typ: tCMD, seq: byte(i), body: bytes.Repeat([]byte{byte(i)}, i%90)}.bytes()...)
		b = append(b, frame{typ: tACK, seq: byte(i)}.bytes()...)
		b = append(b, make([]byte, i%3)...)
	}
	return b
}

func whole(c *chain, stream []byte) []piece {
	pieces, _ := c.pass(stream, true)
	return pieces
}

func passed(pieces []piece) []byte {
	var b []byte
	for _, p := range pieces {
		b = append(b, p.bytes...)
	}
	return b
}

const everything = "burst=0.001,delay=0.1,double-frame=0.05,drop-frame=0.05,duplicate=0.01,flip=3x,garbage=0.1,lose=0.01,swap=2x,seed="

// TestNoiseDoesNotDependOnTheReads: how the system cuts the stream into reads must not show.
func TestNoiseDoesNotDependOnTheReads(t *testing.T) {
	stream := traffic(60)
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		n, err := ParseNoise(everything + "0")
		if err != nil {
			t.Fatal(err)
		}
		n.seed = seed
		want := passed(whole(newChain(n, wayOut, spanPedlink), stream))
		c := newChain(n, wayOut, spanPedlink)
		var got, held []byte
		for rest := stream; len(rest) > 0; {
			k := rapid.IntRange(1, min(300, len(rest))).Draw(t, "read")
			pieces, half := c.pass(append(held, rest[:k]...), false)
			got, held = append(got, passed(pieces)...), half
			rest = rest[k:]
		}
		if !bytes.Equal(want, got) {
			t.Fatal("the same bytes in other reads were damaged otherwise")
		}
	})
}

// TestNoiseByteByByte is the same for reads of one byte.
func TestNoiseByteByByte(t *testing.T) {
	stream := traffic(60)
	n := noiseOf(t, everything+"7")
	c := newChain(n, wayOut, spanPedlink)
	var got, held []byte
	for _, b := range stream {
		pieces, half := c.pass(append(held, b), false)
		got, held = append(got, passed(pieces)...), half
	}
	if !bytes.Equal(passed(whole(newChain(n, wayOut, spanPedlink), stream)), got) {
		t.Error("the same bytes one by one were damaged otherwise")
	}
}

func TestSeedsAndWaysDiffer(t *testing.T) {
	stream := traffic(60)
	damaged := func(text, way string) string {
		return string(passed(whole(newChain(noiseOf(t, text), way, spanPedlink), stream)))
	}
	one := damaged("flip=0.01,seed=1", wayIn)
	if one != damaged("flip=0.01,seed=1", wayIn) || one == damaged("flip=0.01,seed=2", wayIn) || one == damaged("flip=0.01,seed=1", wayOut) {
		t.Error("a seed and a way must make one damage")
	}
	if damaged("flip=0.01,way=out", wayIn) != string(stream) {
		t.Error("the other way is damaged too")
	}
}

// TestRatesAreKept: over 200,000 bytes a fault strikes as often as its rate says.
func TestRatesAreKept(t *testing.T) {
	stream := make([]byte, 200_000)
	for name, count := range map[string]func([]byte) int{
		"flip":      func(b []byte) int { return len(b) - bytes.Count(b, []byte{0}) },
		"lose":      func(b []byte) int { return len(stream) - len(b) },
		"duplicate": func(b []byte) int { return len(b) - len(stream) },
	} {
		c := newChain(noiseOf(t, name+"=0.01,seed=5"), wayIn, func([]byte) int { return 1 })
		if n := count(passed(whole(c, stream))); n < 1800 || n > 2200 {
			t.Errorf("%s struck %d times, wanted about 2000", name, n)
		}
	}
}

// TestFaultsThatAreCounted strikes each fault twice and looks at what became of four frames.
func TestFaultsThatAreCounted(t *testing.T) {
	one := frame{typ: tCMD, seq: 1, body: []byte("0123456789")}.bytes()
	stream := bytes.Repeat(one, 4)
	size := len(one)
	for name, ok := range map[string]func(whole []byte, pieces []piece) bool{
		"flip":      func(b []byte, _ []piece) bool { return differing(b, stream) == 2 },
		"burst":     func(b []byte, _ []piece) bool { n := differing(b, stream); return n >= 4 && n <= 16 },
		"lose":      func(b []byte, _ []piece) bool { return len(b) == len(stream)-2 },
		"duplicate": func(b []byte, _ []piece) bool { return len(b) == len(stream)+2 },
		"swap": func(b []byte, _ []piece) bool {
			return len(b) == len(stream) && !bytes.Equal(b[:2*size], stream[:2*size])
		},
		"garbage":      func(b []byte, _ []piece) bool { return len(b) > len(stream) && bytes.Count(b, one) == 4 },
		"drop-frame":   func(b []byte, _ []piece) bool { return bytes.Equal(b, stream[2*size:]) },
		"double-frame": func(b []byte, _ []piece) bool { return len(b) == 6*size && bytes.Count(b, one) == 6 },
		"delay": func(b []byte, p []piece) bool {
			return bytes.Equal(b, stream) && p[1].pause == lateBy && p[2].pause == 0
		},
		"split": func(b []byte, p []piece) bool { return bytes.Equal(b, stream) && len(p) > 4 },
		"glue":  func(b []byte, p []piece) bool { return bytes.Equal(b, stream) && p[1].glued && !p[2].glued },
		"echo":  func(b []byte, p []piece) bool { return bytes.Equal(b, stream) && p[1].echo != nil && p[2].echo == nil },
		"stuck": func(b []byte, p []piece) bool { return bytes.Equal(b, stream) && p[1].pause == stuckFor },
	} {
		way := noiseWays[name]
		if way == "" {
			way = wayIn
		}
		var struck tally
		c := newChain(noiseOf(t, name+"=2x,seed=11"), way, spanPedlink)
		c.struck = &struck
		pieces := whole(c, stream)
		if !ok(passed(pieces), pieces) {
			t.Errorf("%s=2x made %d pieces: %x", name, len(pieces), passed(pieces))
		}
		if want := map[string]uint64{name: 2}; name != noiseGlue && !maps.Equal(struck.told(), want) { // glue is counted where it holds
			t.Errorf("%s=2x struck %v", name, struck.told())
		}
		if !slices.Contains(LineFaultNames(), name) {
			t.Errorf("%s is not listed", name)
		}
	}
}

// TestCountedFaultsAlwaysAct: twice is twice, whatever the bytes are, and also where faults meet in one frame. A frame in
// which a fault cannot act is not its turn.
func TestCountedFaultsAlwaysAct(t *testing.T) {
	flat := bytes.Repeat([]byte{0xAA}, 40) // no two neighbours differ, but for the last frame's
	span := func(b []byte) int { return 10 }
	stream := append(bytes.Clone(flat), []byte("abcdefghij1234567890")...)
	for seed := range uint64(300) {
		n := noiseOf(t, "swap=2x")
		n.seed = seed
		got := passed(whole(newChain(n, wayIn, span), stream))
		if !bytes.Equal(got[:40], flat) || differing(got[40:50], stream[40:]) != 2 || differing(got[50:], stream[50:]) != 2 {
			t.Fatalf("seed %d: swapped %x", seed, got)
		}
		n = noiseOf(t, "lose=3x,duplicate=1x,flip=2x,burst=1x,swap=2x")
		n.seed = seed
		var struck tally
		c := newChain(n, wayIn, span)
		c.struck = &struck
		whole(c, bytes.Repeat([]byte("0123456789"), 9))
		if want := map[string]uint64{"lose": 3, "duplicate": 1, "flip": 2, "burst": 1, "swap": 2}; !maps.Equal(struck.told(), want) {
			t.Fatalf("seed %d: struck %v", seed, struck.told())
		}
	}
}

func differing(a, b []byte) int {
	n := 0
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}

func TestSpans(t *testing.T) {
	long, short := frame{typ: tCMD, body: make([]byte, 300)}.bytes(), frame{typ: tACK}.bytes()
	spoiled := bytes.Clone(long)
	spoiled[5] ^= 1
	for _, c := range []struct {
		protocol string
		bytes    []byte
		want     int
	}{
		{"pedlink", long, len(long)}, {"pedlink", short, len(short)}, {"pedlink", long[:5], 0}, {"pedlink", spoiled, 1},
		{"pedlink", []byte("x"), 1},
		{"mpos", []byte{0x02, 0x00, 0x08, 0xFF, 1, 0x2F, 1}, 13}, {"mpos", []byte{0x02, 0x00}, 0}, {"mpos", []byte{0x02, 0x0A, 0x08}, 1}, {"mpos", []byte{0x06}, 1},
		{"mpos", []byte{0x02, 0x00, 0x08, 0xFF, 1, 0x2F}, 0}, {"mpos", []byte{0x02, 0x10, 0x25}, 1}, {"mpos", []byte{0x02, 0x00, 0x03}, 1},
		{"mpos", []byte{0x02, 0x10, 0x24, 0xFF, 1, 0x2F, 1}, 1029}, {"mpos", []byte{0x02, 0x00, 0x08, 0xFF, 1, 0x2E}, 1},
		{"mpos", []byte{0x02, 0x00, 0x08, 0xFF, 1, 0x2F, 0}, 1}, {"mpos", frame{typ: tRST, arg: 77}.bytes(), 1},
		{"ccid", []byte{3, 6, 0x62, 5, 0, 0, 0, 0, 0, 0, 0, 0}, 18}, {"ccid", []byte{3, 0x15, 0x16}, 3}, {"ccid", []byte{3, 6, 0x62}, 0},
		{"ccid", []byte{3, 6, 0x62, 0, 0, 0, 1, 0, 0, 0, 0, 0}, 1}, {"ccid", []byte{3, 6, 0x62, 6, 1, 0, 0}, 1}, {"ccid", []byte{3}, 0}, {"ccid", []byte{0x50, 3}, 1},
	} {
		if got := spans[c.protocol](c.bytes); got != c.want {
			t.Errorf("%s %x spans %d, not %d", c.protocol, c.bytes, got, c.want)
		}
	}
	for _, p := range Protocols() {
		if spans[p] == nil {
			t.Errorf("frames of %s cannot be told apart", p)
		}
	}
}

func TestNoiseIsParsedStrictly(t *testing.T) {
	for _, good := range []string{"none", "flip=1e-4,lose=1e-5,seed=7", "drop-frame=2x", "stuck=1x,way=in", "split=1,way=out", "burst=0"} {
		noiseOf(t, good)
	}
	for _, bad := range []string{"", "flip", "flip=", "flip=2", "flip=-1", "flip=NaN", "flip=0x", "flip=-1x", "flip=1x,flip=2x", "rain=1",
		"seed=x", "way=up", "echo=1,way=out", "flip=1 ,lose=1", "none,flip=1", ",", "flip=0.5,"} {
		if n, err := ParseNoise(bad); err == nil {
			t.Errorf("%q became %+v", bad, n)
		}
	}
}

func FuzzParseNoise(f *testing.F) {
	for _, seed := range []string{"none", everything + "9", "drop-frame=2x,way=out", "flip=NaN"} {
		f.Add(seed)
	}
	stream := traffic(5)
	f.Fuzz(func(t *testing.T, text string) {
		n, err := ParseNoise(text)
		if err != nil {
			return
		}
		for _, way := range []string{wayIn, wayOut} {
			for name, often := range n.on(way) {
				if often.rate < 0 || often.rate > 1 || often.times < 0 {
					t.Fatalf("%s strikes %+v", name, often)
				}
			}
			newChain(n, way, spanPedlink).pass(stream, true)
		}
	})
}
