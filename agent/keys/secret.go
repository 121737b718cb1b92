package keys

import (
	"crypto/subtle"
	"fmt"
)

// Secret is key material that prints nothing, in any verb and any encoding. It
// lies in memory of its own that is kept out of swap and core dumps. Copies of a
// Secret share their bytes, so wiping one wipes all of them. The zero Secret is
// empty.
type Secret struct {
	// A function, because fmt does not ask an unexported field for its Format
	// method but walks into it, for some verbs through pointers too. Into a
	// function nothing can walk.
	held   func() []byte
	locked bool
}

// NewSecret takes a copy of b; the caller clears its own.
func NewSecret(b []byte) Secret {
	s := newSecret(len(b))
	copy(s.Bytes(), b)
	return s
}

// newSecret is a Secret of zeros, to be filled where it lies.
func newSecret(size int) Secret {
	own, locked := newBuffer(size)
	return Secret{held: func() []byte { return own }, locked: locked}
}

// Bytes returns the material itself, not a copy; after Wipe it reads as zeros.
func (s Secret) Bytes() []byte {
	if s.held == nil {
		return nil
	}
	return s.held()
}

// Len returns the number of bytes.
func (s Secret) Len() int { return len(s.Bytes()) }

// Equal compares in constant time.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare(s.Bytes(), other.Bytes()) == 1
}

// Wipe overwrites the bytes with zeros, for every copy of this Secret, and gives
// the page back. Whoever makes a Secret wipes it: no collector does.
func (s Secret) Wipe() {
	if s.held != nil {
		releaseBuffer(s.Bytes())
	}
}

// Format prints nothing, whatever the verb.
func (s Secret) Format(fmt.State, rune) {}

// String returns nothing.
func (s Secret) String() string { return "" }

// GoString returns nothing.
func (s Secret) GoString() string { return "" }

// MarshalText returns nothing.
func (s Secret) MarshalText() ([]byte, error) { return []byte{}, nil }

// MarshalJSON returns the empty string.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`""`), nil }
