package sealed

import (
	"encoding/hex"
	"testing"
)

// FuzzParseChain: what is read gives its text back.
func FuzzParseChain(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		if chain, err := ParseChain(text); err == nil && hex.EncodeToString(chain[:]) != text {
			t.Fatalf("%q is read as %x", text, *chain)
		}
	})
}
