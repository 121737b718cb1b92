package authority

import (
	"encoding/json"
	"fmt"
)

// Secret is a value that prints nothing, in any verb and any encoding. It can
// be read from JSON (base64) and is never written to it.
type Secret struct {
	// A function, because fmt walks into unexported fields without asking for
	// their Format method; into a function nothing can walk.
	held func() []byte
}

// NewSecret takes a copy of b.
func NewSecret(b []byte) Secret {
	own := append([]byte{}, b...)
	return Secret{held: func() []byte { return own }}
}

// Reveal returns the value itself, not a copy; nil for the zero Secret.
func (s Secret) Reveal() []byte {
	if s.held == nil {
		return nil
	}
	return s.held()
}

// Format prints nothing, whatever the verb.
func (s Secret) Format(fmt.State, rune) {}

// String returns nothing.
func (s Secret) String() string { return "" }

// GoString returns nothing.
func (s Secret) GoString() string { return "" }

// MarshalJSON returns the empty string.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`""`), nil }

// UnmarshalJSON takes base64; the error does not repeat what it was given.
func (s *Secret) UnmarshalJSON(b []byte) error {
	var raw []byte
	if json.Unmarshal(b, &raw) != nil {
		return fmt.Errorf("cannot read a secret: it is not base64")
	}
	*s = NewSecret(raw)
	return nil
}
