package certificate

import (
	"bytes"
	"testing"

	"unbindd/agent/envelope"
)

// FuzzTombstone: what is read as a tombstone gives its bytes back and has a
// whole preimage.
func FuzzTombstone(f *testing.F) {
	f.Fuzz(func(t *testing.T, text []byte) {
		stone, err := ReadTombstone(text)
		if err != nil {
			return
		}
		again, err := envelope.Canonical(stone)
		if err != nil || !bytes.Equal(again, text) || len(stone.R) != 32 {
			t.Fatalf("%q is read as %q (%v)", text, again, err)
		}
	})
}
