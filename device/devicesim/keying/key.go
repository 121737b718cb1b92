package keying

import (
	"crypto/subtle"
	"fmt"
	"slices"
)

// Algorithm is the block cipher a key is for.
type Algorithm byte

// The algorithms of payment keys.
const (
	DES  Algorithm = iota + 1 // 8 bytes
	TDES                      // 16 or 24 bytes
	AES                       // 16, 24 or 32 bytes
	SM4                       // 16 bytes, GB/T 32907
)

var lengths = map[Algorithm][]int{DES: {8}, TDES: {16, 24}, AES: {16, 24, 32}, SM4: {16}}

// String is the algorithm's name.
func (a Algorithm) String() string {
	switch a {
	case DES:
		return "DES"
	case TDES:
		return "3DES"
	case AES:
		return "AES"
	case SM4:
		return "SM4"
	}
	return fmt.Sprintf("algorithm %d", byte(a))
}

// Key is a payment key that no formatting verb, log or encoder can print. The zero value is no key.
type Key struct {
	alg Algorithm
	// A function, because fmt prints the unexported fields of an enclosing struct without asking our methods.
	raw func() []byte
}

// NewKey copies the bytes of a key; a length that its algorithm does not have is an error that does not tell the bytes.
func NewKey(alg Algorithm, raw []byte) (Key, error) {
	if !slices.Contains(lengths[alg], len(raw)) {
		return Key{}, fmt.Errorf("cannot use %v key: it has %d bytes", alg, len(raw))
	}
	return own(alg, slices.Clone(raw)), nil
}

// own takes bytes over whose length was checked.
func own(alg Algorithm, raw []byte) Key { return Key{alg, func() []byte { return raw }} }

// Algorithm is what the key is for; 0 for no key.
func (k Key) Algorithm() Algorithm { return k.alg }

// Len is the key's length in bytes.
func (k Key) Len() int { return len(k.bytes()) }

// Reveal copies the key's bytes out, for the memory that keeps them.
func (k Key) Reveal() []byte { return slices.Clone(k.bytes()) }

// Equal compares two keys in constant time.
func (k Key) Equal(other Key) bool {
	return k.alg == other.alg && subtle.ConstantTimeCompare(k.bytes(), other.bytes()) == 1
}

// Destroy overwrites the key in memory as well as Go allows; every copy of it shares the bytes and is useless afterwards.
func (k Key) Destroy() { clear(k.bytes()) }

func (k Key) bytes() []byte {
	if k.raw == nil {
		return nil
	}
	return k.raw()
}

// strength is the work in bits to find the key (NIST SP 800-57); a key must not travel under a weaker one.
func (k Key) strength() int {
	switch k.alg {
	case DES:
		return 56
	case TDES:
		return 80 + 32*(k.Len()/24)
	}
	return 8 * k.Len()
}

// String prints nothing.
func (Key) String() string { return "" }

// GoString prints nothing.
func (Key) GoString() string { return "" }

// Format prints nothing.
func (Key) Format(fmt.State, rune) {}

// MarshalJSON writes an empty string.
func (Key) MarshalJSON() ([]byte, error) { return []byte(`""`), nil }
