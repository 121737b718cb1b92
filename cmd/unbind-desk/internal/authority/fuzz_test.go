package authority

import (
	"crypto/ed25519"
	"testing"
)

// FuzzPublicPEM: what is read is a whole key, and written again it is read as
// the same.
func FuzzPublicPEM(f *testing.F) {
	f.Fuzz(func(t *testing.T, text []byte) {
		key, err := ParsePublicPEM(text)
		if err != nil {
			return
		}
		if len(key.Pub) != ed25519.PublicKeySize {
			t.Fatalf("a key of %d bytes", len(key.Pub))
		}
		again, err := PublicPEM(key)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ParsePublicPEM(again); err != nil || back.ID() != key.ID() {
			t.Fatalf("%q became another key (%v)", text, err)
		}
	})
}
