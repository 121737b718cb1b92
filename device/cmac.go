package device

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"fmt"
)

// cmac is AES-CMAC (RFC 4493) with its subkeys computed once.
type cmac struct {
	block  cipher.Block
	k1, k2 [16]byte
}

func newCMAC(key []byte) (*cmac, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("cannot make message authentication key: %w", err)
	}
	c := &cmac{block: block}
	var l [16]byte
	block.Encrypt(l[:], l[:])
	c.k1 = double(l)
	c.k2 = double(c.k1)
	return c, nil
}

// double multiplies by x in GF(2^128).
func double(in [16]byte) (out [16]byte) {
	for i := range 15 {
		out[i] = in[i]<<1 | in[i+1]>>7
	}
	out[15] = in[15]<<1 ^ 0x87*(in[0]>>7)
	return out
}

func (c *cmac) sum(message []byte) (mac [16]byte) {
	for len(message) > 16 {
		subtle.XORBytes(mac[:], mac[:], message[:16])
		c.block.Encrypt(mac[:], mac[:])
		message = message[16:]
	}
	var last [16]byte
	n := copy(last[:], message)
	key := &c.k1
	if n < 16 {
		last[n] = 0x80
		key = &c.k2
	}
	subtle.XORBytes(mac[:], mac[:], last[:])
	subtle.XORBytes(mac[:], mac[:], key[:])
	c.block.Encrypt(mac[:], mac[:])
	return mac
}
