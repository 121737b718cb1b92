package card

import (
	"bytes"
	"crypto/des"
	"errors"
	"fmt"
)

// ErrFull says that a card has no place for another key.
var ErrFull = errors.New("card has no place for another key")

// Keys is where a card's keys lie, each under a number. What Put or Delete did is durable when it returns nil.
type Keys interface {
	Find(id byte) (Key, bool)
	Put(id byte, k Key) error
	// Delete overwrites the key; one that is not there is no error.
	Delete(id byte) error
}

// Key is a 3DES key of a card, of two or three parts. It prints nothing, also not as a field of something else,
// hence the pointer.
type Key struct{ secret *[]byte }

// NewKey takes 16 or 24 bytes.
func NewKey(b []byte) (Key, error) {
	if len(b) != 16 && len(b) != 24 {
		return Key{}, fmt.Errorf("cannot take key: it has %d bytes, not 16 or 24", len(b))
	}
	own := bytes.Clone(b)
	return Key{&own}, nil
}

func (k Key) bytes() []byte {
	if k.secret == nil {
		return nil
	}
	return *k.secret
}

// KCV is the key check value: the first 3 bytes of the key over eight zero bytes (X9.24-1).
func (k Key) KCV() []byte {
	three := append(bytes.Clone(k.bytes()), k.bytes()[:24-len(k.bytes())]...)
	defer clear(three)
	c, err := des.NewTripleDESCipher(three)
	if err != nil {
		panic(err) // 24 bytes are never wrong
	}
	sum := make([]byte, des.BlockSize)
	c.Encrypt(sum, sum)
	return sum[:3]
}

// String hides the key.
func (Key) String() string { return "(key)" }

// GoString hides the key.
func (Key) GoString() string { return "(key)" }

// Format hides the key under every verb.
func (Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("(key)")) }

// MarshalJSON hides the key.
func (Key) MarshalJSON() ([]byte, error) { return []byte(`"(key)"`), nil }

// memoryKeys are forgotten with the Card.
type memoryKeys map[byte]Key

func (m memoryKeys) Find(id byte) (Key, bool) { k, there := m[id]; return k, there }

func (m memoryKeys) Put(id byte, k Key) error { m[id] = k; return nil }

func (m memoryKeys) Delete(id byte) error {
	clear(m[id].bytes())
	delete(m, id)
	return nil
}
