package main

import (
	"strings"
	"testing"

	"rsc.io/qr"

	"pgregory.net/rapid"
)

func TestFigures(t *testing.T) {
	for got, want := range map[string]string{
		size(0): "0 B", size(999): "999 B", size(1000): "1.0 kB", size(9_600_000): "9.6 MB", size(999_950): "1.0 MB",
		size(1 << 62): "4611686.0 TB",
		took(-5):      "0.0 s", took(38_100): "38.1 s", took(125_000): "2 min 05 s", took(7_500_000): "2 h 05 min",
		money(1_234_567, "CNY"): "CNY 12,345.67", money(5, "CNY"): "CNY 0.05", money(-1_234_567, "USD"): "USD -12,345.67",
		money(1234, "JPY"): "JPY 1,234", money(1234, "KWD"): "KWD 1.234", money(0, "JPY"): "JPY 0", money(100_000_000, "CNY"): "CNY 1,000,000.00",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestWidth(t *testing.T) {
	for s, want := range map[string]int{"": 0, "abc": 3, "解绑": 4, "a解b": 4, "，": 2, "── x": 4, "𠮷": 2} {
		if width(s) != want {
			t.Errorf("%q takes %d columns, want %d", s, width(s), want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s, columns := rapid.String().Draw(t, "text"), rapid.IntRange(0, 40).Draw(t, "columns")
		if c := cut(s, columns); width(c) > columns || !strings.HasPrefix(s, c) {
			t.Fatalf("cut to %d: %q takes %d", columns, c, width(c))
		}
		if width(s) <= columns && width(pad(s, columns)) != columns {
			t.Fatalf("padded to %d: %q", columns, pad(s, columns))
		}
	})
}

// TestTextsCannotSteerTheTerminal: what comes from a file or from the daemon is
// shown without its control characters.
func TestTextsCannotSteerTheTerminal(t *testing.T) {
	var out strings.Builder
	p := &paper{to: &out}
	p.plain("%s", "a\x1b[2Jb\nc\u009bd\x7fe")
	if out.String() != "a [2Jb c d e\n" {
		t.Errorf("written as %q", out.String())
	}
}

// TestQRCode reads the drawing back, module by module, border included.
func TestQRCode(t *testing.T) {
	const text = "UBC1/T-0001/2/7/3/0123456789ABCDEFGHJKMNPQRS/K"
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		t.Fatal(err)
	}
	for _, fixed := range []bool{false, true} {
		lines, err := qrLines(text, fixed)
		if err != nil {
			t.Fatal(err)
		}
		if want := (code.Size + 2*quietZone + 1) / 2; len(lines) != want {
			t.Fatalf("%d lines, want %d", len(lines), want)
		}
		for i, line := range lines {
			if fixed {
				line = strings.TrimSuffix(strings.TrimPrefix(line, blackOnWhite), plainAgain)
			}
			for j, r := range []rune(line) {
				x, y := j-quietZone, 2*i-quietZone
				upper, lower := r == '█' || r == '▀', r == '█' || r == '▄'
				if (upper == fixed) != code.Black(x, y) || (lower == fixed) != code.Black(x, y+1) {
					t.Fatalf("module %d,%d is drawn wrongly (fixed %v)", x, y, fixed)
				}
			}
		}
	}
}
