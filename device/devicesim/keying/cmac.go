package keying

import (
	"crypto/cipher"
	"fmt"
)

// CMAC is the MAC of NIST SP 800-38B (RFC 4493 with AES) under one key.
type CMAC struct {
	block cipher.Block
	full  []byte // K1, for a last block that is full
	cut   []byte // K2, for one that is padded
}

// NewCMAC prepares the key; it may then be used for any number of messages, by several goroutines.
func NewCMAC(k Key) (*CMAC, error) {
	block, err := k.block()
	if err != nil {
		return nil, fmt.Errorf("cannot make CMAC key: %w", err)
	}
	zero := make([]byte, block.BlockSize())
	block.Encrypt(zero, zero)
	m := &CMAC{block: block, full: double(zero)}
	m.cut = double(m.full)
	return m, nil
}

// double multiplies by x in GF(2^64) or GF(2^128).
func double(b []byte) []byte {
	out := make([]byte, len(b))
	var carry byte
	for i := len(b) - 1; i >= 0; i-- {
		out[i], carry = b[i]<<1|carry, b[i]>>7
	}
	polynomial := byte(0x87)
	if len(b) == 8 {
		polynomial = 0x1B
	}
	out[len(b)-1] ^= carry * polynomial
	return out
}

// Sum is the whole MAC, one block long, of the parts joined.
func (m *CMAC) Sum(parts ...[]byte) []byte {
	var message []byte
	for _, p := range parts {
		message = append(message, p...)
	}
	size, subkey := m.block.BlockSize(), m.full
	if rest := len(message) % size; len(message) == 0 || rest != 0 {
		subkey = m.cut
		message = append(append(message, 0x80), make([]byte, size-rest-1)...)
	}
	xor(message[len(message)-size:], subkey)
	return chain(m.block, message)
}

// chain is the last block of CBC over whole blocks with no initial vector.
func chain(b cipher.Block, message []byte) []byte {
	state := make([]byte, b.BlockSize())
	for at := 0; at < len(message); at += len(state) {
		xor(state, message[at:at+len(state)])
		b.Encrypt(state, state)
	}
	return state
}

func xor(into, with []byte) {
	for i, b := range with {
		into[i] ^= b
	}
}
