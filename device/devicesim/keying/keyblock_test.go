package keying

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func drawHeader(t *rapid.T, version byte, alg Algorithm) Header {
	usage := rapid.SampledFrom([]string{"B0", "B1", "D0", "K0", "K1", "P0", "M1", "M3", "M6"}).Draw(t, "usage")
	h := Header{
		Version: version, Usage: usage, Algorithm: map[Algorithm]byte{DES: 'D', TDES: 'T', AES: 'A'}[alg],
		Mode:          rapid.SampledFrom([]byte(usages[usage])).Draw(t, "mode"),
		KeyVersion:    rapid.StringMatching("[0-9A-Z]{2}").Draw(t, "version"),
		Exportability: rapid.SampledFrom([]byte("ENS")).Draw(t, "exportability"),
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "blocks") {
		data := rapid.StringMatching("[ -~]{0,40}").Draw(t, "data")
		if rapid.IntRange(0, 9).Draw(t, "long") == 0 {
			data += strings.Repeat("x", 250)
		}
		h.Blocks = append(h.Blocks, OptionalBlock{fmt.Sprintf("%c%d", 'K'+i, i), data})
	}
	return h
}

// drawBlock makes a key block of any kind that is allowed.
func drawBlock(t *rapid.T) (protection Key, h Header, k Key, block string) {
	version := rapid.SampledFrom([]byte("BD")).Draw(t, "version of the block")
	protection = drawKey(t, map[byte]Algorithm{'B': TDES, 'D': AES}[version])
	k = drawKey(t, DES, TDES, AES)
	if k.strength() > protection.strength() {
		k = own(DES, k.Reveal()[:8])
	}
	h = drawHeader(t, version, k.alg)
	pad := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "pad")
	block, err := Wrap(protection, h, k, bytes.NewReader(pad))
	if err != nil {
		t.Fatal(err)
	}
	return protection, h, k, block
}

func TestUnwrapGivesWhatWasWrapped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		protection, h, k, block := drawBlock(t)
		got, back, err := Unwrap(protection, block)
		if err != nil || !back.Equal(k) || !slices.Equal(got.Blocks, h.Blocks) {
			t.Fatalf("%s: %v", block, err)
		}
		got.Blocks, h.Blocks = nil, nil
		if fmt.Sprint(got) != fmt.Sprint(h) {
			t.Fatalf("header %v became %v", h, got)
		}
	})
}

func TestAnyTurnedBitIsRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		protection, _, _, block := drawBlock(t)
		changed := []byte(block)
		changed[rapid.IntRange(0, len(block)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, _, err := Unwrap(protection, string(changed)); err == nil {
			t.Fatalf("%s was taken for %s", changed, block)
		}
	})
}

func TestEveryBitOfAPublishedBlockCounts(t *testing.T) {
	for _, c := range keyBlocks {
		for i := range c.block {
			for bit := range 8 {
				changed := []byte(c.block)
				changed[i] ^= 1 << bit
				_, _, err := Unwrap(protectionKey(t, c.block, c.protection), string(changed))
				if !errors.Is(err, ErrBlockForged) && !errors.Is(err, ErrBlockForm) && i != 0 {
					t.Fatalf("%s, character %d: %v", c.name, i, err)
				}
				if err == nil {
					t.Fatalf("%s, character %d was believed", c.name, i)
				}
			}
		}
	}
}

func TestAnotherProtectionKeyIsRefused(t *testing.T) {
	c := keyBlocks[0]
	if _, _, err := Unwrap(key(t, TDES, keyBlocks[1].protection), c.block); !errors.Is(err, ErrBlockForged) {
		t.Errorf("another key: %v", err)
	}
	if _, _, err := Unwrap(key(t, AES, c.protection), c.block); err == nil {
		t.Error("the key of another algorithm was taken")
	}
	if _, _, err := Unwrap(Key{}, c.block); err == nil {
		t.Error("no key was taken")
	}
}

func TestHeadersAreReadStrictly(t *testing.T) {
	long := "B0104B0TX12S0100KS1800604B120F9292800000BB68BE8680A400D9191AD4ECE45B6E6C0D21C4738A52190E248719E24B433627"
	for name, block := range map[string]string{
		"nothing":                 "",
		"version A":               strings.Replace(long, "B", "A", 1),
		"version C":               strings.Replace(long, "B", "C", 1),
		"version E":               strings.Replace(long, "B", "E", 1),
		"length too long":         strings.Replace(long, "0104", "0112", 1),
		"length with a sign":      strings.Replace(long, "0104", "+104", 1),
		"a character more":        long + "0",
		"a character less":        long[:len(long)-1],
		"usage":                   strings.Replace(long, "B0TX", "Q0TX", 1),
		"algorithm":               strings.Replace(long, "B0TX", "B0HX", 1),
		"mode":                    strings.Replace(long, "B0TX", "B0TZ", 1),
		"mode of another usage":   strings.Replace(long, "B0TX", "B0TE", 1),
		"key version":             strings.Replace(long, "X12S", "X1?S", 1),
		"exportability":           strings.Replace(long, "X12S", "X12X", 1),
		"number of blocks":        strings.Replace(long, "S0100", "S0A00", 1),
		"more blocks than stand":  strings.Replace(long, "S0100", "S9900", 1),
		"reserved":                strings.Replace(long, "S0100", "S0101", 1),
		"block id":                strings.Replace(long, "KS18", "K_18", 1),
		"block too short":         strings.Replace(long, "KS18", "KS03", 1),
		"block too long":          strings.Replace(long, "KS18", "KSFF", 1),
		"block in lower case":     strings.Replace(long, "KS18", "KS1a", 1),
		"block of no whole units": strings.Replace(long, "KS18", "KS19", 1),
		"pad block alone":         strings.Replace(long, "KS18", "PB18", 1),
		"block not printable":     strings.Replace(long, "00604B", "0060\x07B", 1),
	} {
		if h, _, err := ParseHeader(block); !errors.Is(err, ErrBlockForm) {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
	}
	for _, version := range []string{"A", "C"} {
		if _, _, err := ParseHeader(strings.Replace(long, "B", version, 1)); err == nil || !strings.Contains(err.Error(), "version "+version) {
			t.Errorf("version %s is not refused by name: %v", version, err)
		}
	}
	twice := "B0096B0TX12S0200KS0800FFKS0800EE" + strings.Repeat("0", 64)
	if _, _, err := ParseHeader(twice); !errors.Is(err, ErrBlockForm) {
		t.Errorf("block twice: %v", err)
	}
}

// Published headers with an extended length and with a pad block.
func TestOptionalBlocksAreSkippedCorrectly(t *testing.T) {
	for _, c := range []struct {
		head string
		data string
	}{
		{"P0TE00N0200KS1200604B120F9292PB0600", "00604B120F9292"},
		{"P0TE00N0200KS00021A604B120F9292PB16000000000000000000", "bad"},
		{"P0TE00N0200KS0002001800604B120F9292PB0800000", "bad"},
		{"P0TE00N0200KS0002001800604B120F9292PB080000", "00604B120F9292"},
		{"P0TE00N0200KS0002010A" + strings.Repeat("P", 256) + "PB0600", strings.Repeat("P", 256)},
		{"P0TE00N0200KS0003010A" + strings.Repeat("P", 256) + "PB0600", "bad"},
	} {
		text := fmt.Sprintf("B%04d%s%s", 5+len(c.head)+64, c.head, strings.Repeat("0", 64))
		h, size, err := ParseHeader(text)
		if c.data == "bad" {
			if !errors.Is(err, ErrBlockForm) {
				t.Errorf("%s: %v", c.head, err)
			}
			continue
		}
		if err != nil || size != 5+len(c.head) || len(h.Blocks) != 1 || h.Blocks[0].Data != c.data {
			t.Errorf("%s: %+v, %d, %v", c.head, h, size, err)
		}
	}
}

func TestNoKeyUnderAWeakerOne(t *testing.T) {
	h := Header{Version: 'D', Usage: "K0", Algorithm: 'A', Mode: 'B', KeyVersion: "00", Exportability: 'N'}
	strong, weak := key(t, AES, strings.Repeat("77", 32)), key(t, AES, of16("77"))
	pad := bytes.NewReader(make([]byte, 64))
	if _, err := Wrap(weak, h, strong, pad); !errors.Is(err, errWeak) {
		t.Errorf("wrapped: %v", err)
	}
	h.Version, h.Algorithm = 'B', 'T'
	if _, err := Wrap(key(t, TDES, of16("77")), h, key(t, TDES, strings.Repeat("77", 24)), pad); !errors.Is(err, errWeak) {
		t.Errorf("wrapped: %v", err)
	}
	if _, err := Wrap(weak, h, weak, pad); !errors.Is(err, ErrBlockForm) {
		t.Errorf("an AES key as 3DES key: %v", err)
	}
}

func FuzzKeyBlock(f *testing.F) {
	for _, c := range keyBlocks {
		f.Add(c.block)
	}
	f.Fuzz(func(t *testing.T, block string) {
		under := key(t, AES, of16("42"))
		if len(block) > 0 && block[0] == 'B' {
			under = key(t, TDES, of16("42"))
		}
		if h, _, err := Unwrap(under, block); err == nil {
			t.Fatalf("a block that nobody wrapped was opened: %+v", h)
		}
		h, size, err := ParseHeader(block)
		if err != nil {
			return
		}
		if size > len(block) {
			t.Fatalf("header of %d characters in a block of %d", size, len(block))
		}
		again, err := h.text(0)
		if err != nil { // the pad can be longer than that of the original
			return
		}
		other, _, err := ParseHeader(fmt.Sprintf("%c%04d%s%s", again[0], len(again)+h.macChars(), again[5:], strings.Repeat("0", h.macChars())))
		if err != nil || fmt.Sprint(other) != fmt.Sprint(h) {
			t.Fatalf("%+v became %+v, %v", h, other, err)
		}
	})
}
