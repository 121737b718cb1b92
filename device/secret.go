package device

import (
	"crypto/subtle"
	"fmt"
)

// Secret is a 16-byte key that no formatting verb, log or encoder can print.
// The zero value means "none".
type Secret struct {
	// A function, because fmt prints the unexported fields of an enclosing struct without asking our methods
	// and follows pointers when a verb does not fit; of a function it never shows more than the address.
	key func() *[16]byte
}

// NewSecret copies a 16-byte key; any other length is an error that does not tell the bytes.
func NewSecret(key []byte) (Secret, error) {
	if len(key) != 16 {
		return Secret{}, fmt.Errorf("cannot use pairing key: it has %d bytes instead of 16", len(key))
	}
	copied := [16]byte(key)
	return Secret{key: func() *[16]byte { return &copied }}, nil
}

// IsZero reports whether there is no key in it.
func (s Secret) IsZero() bool { return s.key == nil }

// equal compares in constant time; none is equal to nothing.
func (s Secret) equal(other Secret) bool {
	return !s.IsZero() && !other.IsZero() && subtle.ConstantTimeCompare(s.key()[:], other.key()[:]) == 1
}

// Wipe overwrites the key in memory; every copy of this Secret shares it and is useless afterwards.
func (s Secret) Wipe() {
	if s.key != nil {
		clear(s.key()[:])
	}
}

// String prints nothing.
func (Secret) String() string { return "" }

// GoString prints nothing.
func (Secret) GoString() string { return "" }

// Format prints nothing.
func (Secret) Format(fmt.State, rune) {}

// MarshalJSON writes an empty string.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`""`), nil }
