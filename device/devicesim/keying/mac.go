package keying

import (
	"crypto/des"
	"fmt"
)

// MAC is what a reader answers with its authentication key: 8 bytes over a message, padded with zeros to whole
// blocks where the method does not pad itself.
//
//	DES       CBC-MAC, X9.9
//	3DES      retail MAC, X9.19 (ISO 9797-1 algorithm 3, padding 1)
//	AES, SM4  CMAC, the first 8 bytes
func (k Key) MAC(message []byte) ([]byte, error) {
	switch k.alg {
	case DES, TDES:
		return k.retail(message)
	}
	m, err := NewCMAC(k)
	if err != nil {
		return nil, fmt.Errorf("cannot make MAC: %w", err)
	}
	return m.Sum(message)[:8], nil
}

// retail chains with the first part of the key alone; a longer key opens and closes the last block once more.
func (k Key) retail(message []byte) ([]byte, error) {
	raw := k.bytes()
	first, err := des.NewCipher(raw[:8])
	if err != nil {
		return nil, fmt.Errorf("cannot make MAC: %w", err)
	}
	padded := append([]byte(nil), message...)
	for len(padded) == 0 || len(padded)%8 != 0 {
		padded = append(padded, 0)
	}
	sum := chain(first, padded)
	if k.alg == DES {
		return sum, nil
	}
	second, err := des.NewCipher(raw[8:16])
	if err != nil {
		return nil, fmt.Errorf("cannot make MAC: %w", err)
	}
	last, err := des.NewCipher(raw[len(raw)/24*16:][:8]) // K3, or K1 of a double-length key
	if err != nil {
		return nil, fmt.Errorf("cannot make MAC: %w", err)
	}
	second.Decrypt(sum, sum)
	last.Encrypt(sum, sum)
	return sum, nil
}
