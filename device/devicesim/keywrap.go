package devicesim

import (
	"bytes"
	"crypto/aes"
)

// unwrapAES undoes the AES key wrap of RFC 3394; false if the block was not wrapped under this key.
func unwrapAES(kek, wrapped []byte) ([]byte, bool) {
	block, err := aes.NewCipher(kek)
	if err != nil || len(wrapped) < 24 || len(wrapped)%8 != 0 {
		return nil, false
	}
	n := len(wrapped)/8 - 1
	check, key := bytes.Clone(wrapped[:8]), bytes.Clone(wrapped[8:])
	for j := 5; j >= 0; j-- {
		for i := n; i >= 1; i-- {
			step := n*j + i
			for k := 7; step > 0; k, step = k-1, step>>8 {
				check[k] ^= byte(step)
			}
			both := append(bytes.Clone(check), key[8*(i-1):8*i]...)
			block.Decrypt(both, both)
			copy(check, both[:8])
			copy(key[8*(i-1):], both[8:])
		}
	}
	if !bytes.Equal(check, bytes.Repeat([]byte{0xA6}, 8)) {
		clear(key)
		return nil, false
	}
	return key, true
}
