package devicesim

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"fmt"
)

// mac is AES-CMAC, RFC 4493.
type mac struct {
	block cipher.Block
	full  [16]byte // K1, for a last block that is full
	cut   [16]byte // K2, for one that is padded
}

func newMAC(key []byte) (*mac, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("cannot make CMAC key: %w", err)
	}
	m := &mac{block: block}
	block.Encrypt(m.full[:], m.full[:])
	shift(&m.full)
	m.cut = m.full
	shift(&m.cut)
	return m, nil
}

// shift doubles in GF(2^128).
func shift(b *[16]byte) {
	carry := b[0] >> 7
	for i := range 15 {
		b[i] = b[i]<<1 | b[i+1]>>7
	}
	b[15] = b[15]<<1 ^ carry*0x87
}

// sum is the whole 16-byte MAC of the parts joined.
func (m *mac) sum(parts ...[]byte) [16]byte {
	var message []byte
	for _, p := range parts {
		message = append(message, p...)
	}
	key := &m.full
	if len(message) == 0 || len(message)%16 != 0 {
		key = &m.cut
		message = append(message, 0x80)
		message = append(message, make([]byte, (16-len(message)%16)%16)...)
	}
	var state [16]byte
	for i, b := range message {
		state[i%16] ^= b
		if i%16 == 15 {
			if i == len(message)-1 {
				for j := range state {
					state[j] ^= key[j]
				}
			}
			m.block.Encrypt(state[:], state[:])
		}
	}
	return state
}

// checkValue is a key's KCV with its method: the zero block for 3DES (3 bytes), CMAC for AES (5 bytes), as in X9.24.
func checkValue(alg byte, key []byte) (method byte, kcv []byte, err error) {
	switch alg {
	case algTDES:
		block, err := tripleDES(key)
		if err != nil {
			return 0, nil, err
		}
		var out [8]byte
		block.Encrypt(out[:], out[:])
		return kcvZero, out[:3], nil
	case algAES:
		m, err := newMAC(key)
		if err != nil {
			return 0, nil, err
		}
		sum := m.sum(make([]byte, 16))
		return kcvCMAC, sum[:5], nil
	}
	return 0, nil, fmt.Errorf("cannot compute KCV: algorithm %d has none", alg)
}

// tripleDES takes double-length keys too (K1 K2 K1), which Go's does not.
func tripleDES(key []byte) (cipher.Block, error) {
	if len(key) == 16 {
		key = append(append([]byte(nil), key...), key[:8]...)
	}
	block, err := des.NewTripleDESCipher(key)
	if err != nil {
		return nil, fmt.Errorf("cannot use 3DES key: %w", err)
	}
	return block, nil
}

// prove uses a key once, on a nonce of 16 bytes, and returns 8 bytes that only the key gives.
func prove(alg byte, key, nonce []byte) ([]byte, error) {
	if alg == algTDES {
		block, err := tripleDES(key)
		if err != nil {
			return nil, err
		}
		out := make([]byte, 8)
		block.Encrypt(out, nonce[:8])
		for i := range out {
			out[i] ^= nonce[8+i]
		}
		block.Encrypt(out, out)
		return out, nil
	}
	m, err := newMAC(key)
	if err != nil {
		return nil, err
	}
	sum := m.sum([]byte("pedlink/1 probe"), nonce)
	return sum[:8], nil
}
