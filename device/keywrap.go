package device

import (
	"bytes"
	"crypto/aes"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
)

// wrapKey is the AES key wrap of RFC 3394, section 2.2.1: the result is 8 bytes longer than the key.
func wrapKey(kek, key []byte) ([]byte, error) {
	block, err := aes.NewCipher(kek)
	if err != nil {
		return nil, fmt.Errorf("cannot wrap key: %w", err)
	}
	if len(key) < 16 || len(key)%8 != 0 {
		return nil, fmt.Errorf("cannot wrap key: it has %d bytes", len(key))
	}
	n := len(key) / 8
	out := append(bytes.Repeat([]byte{0xA6}, 8), key...)
	var b, count [16]byte
	for t := 1; t <= 6*n; t++ {
		part := out[8*((t-1)%n+1):][:8]
		copy(b[:8], out[:8])
		copy(b[8:], part)
		block.Encrypt(b[:], b[:])
		binary.BigEndian.PutUint64(count[:8], uint64(t))
		subtle.XORBytes(out[:8], b[:8], count[:8])
		copy(part, b[8:])
	}
	clear(b[:])
	return out, nil
}
