package console

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// visible writes characters that are not seen, or that turn the text around them,
// as their number: U+202E. It is done to whole pages, so that no field can be
// forgotten; the console's own words hold none of them.
func visible(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && n == 1:
			out = fmt.Appendf(out, "⟦%02X⟧", text[0])
		case hidden(r):
			out = fmt.Appendf(out, "⟦U+%04X⟧", r)
		default:
			out = append(out, text[:n]...)
		}
		text = text[n:]
	}
	return out
}

func hidden(r rune) bool {
	switch {
	case r < 0x80: // nearly all of a page
		return (r < 0x20 && r != '\n' && r != '\t') || r == 0x7F
	case r >= 0x4E00 && r <= 0x9FFF: // and nearly all of a Chinese one
		return false
	case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r), unicode.Is(unicode.Co, r):
		return true
	case r == 0x115F, r == 0x1160, r == 0x3164, r == 0xFFA0, r == 0x2800: // letters without ink
		return true
	}
	return r >= 0xFE00 && r <= 0xFE0F || r >= 0xE0100 && r <= 0xE01EF // selectors of variants
}
