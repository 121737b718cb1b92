package keying

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"errors"
	"fmt"

	"github.com/emmansun/gmsm/sm4"
)

var errNoKey = errors.New("there is no key")

// block makes the key's cipher. What the cipher keeps of the key is out of reach of Destroy.
func (k Key) block() (cipher.Block, error) {
	switch k.alg {
	case DES:
		return des.NewCipher(k.bytes())
	case TDES:
		return tripleDES(k.bytes())
	case AES:
		return aes.NewCipher(k.bytes())
	case SM4:
		return sm4.NewCipher(k.bytes())
	}
	return nil, errNoKey
}

// tripleDES takes double-length keys too (K1 K2 K1), which Go's does not.
func tripleDES(key []byte) (cipher.Block, error) {
	if len(key) != 16 {
		return des.NewTripleDESCipher(key)
	}
	long := append(append(make([]byte, 0, 24), key...), key[:8]...)
	defer clear(long)
	return des.NewTripleDESCipher(long)
}

// Encrypt is ECB over whole blocks (8 bytes, 16 of AES and SM4); it does not pad.
func (k Key) Encrypt(data []byte) ([]byte, error) {
	return k.ecb(data, cipher.Block.Encrypt)
}

// Decrypt undoes Encrypt.
func (k Key) Decrypt(data []byte) ([]byte, error) {
	return k.ecb(data, cipher.Block.Decrypt)
}

func (k Key) ecb(data []byte, do func(b cipher.Block, dst, src []byte)) ([]byte, error) {
	b, err := k.block()
	if err != nil {
		return nil, fmt.Errorf("cannot use %v key: %w", k.alg, err)
	}
	size := b.BlockSize()
	if len(data) == 0 || len(data)%size != 0 {
		return nil, fmt.Errorf("cannot use %v key: %d bytes are no whole blocks of %d", k.alg, len(data), size)
	}
	out := make([]byte, len(data))
	for at := 0; at < len(data); at += size {
		do(b, out[at:], data[at:])
	}
	return out, nil
}

// Carry encrypts a working key under its master key in ECB, as terminals in China receive them; nothing in it
// protects against a changed or exchanged cryptogram but the KCV beside it.
func (k Key) Carry(working Key) ([]byte, error) {
	cryptogram, err := k.Encrypt(working.bytes())
	if err != nil {
		return nil, fmt.Errorf("cannot carry key: %w", err)
	}
	return cryptogram, nil
}

// Receive undoes Carry: the cryptogram becomes a key of the algorithm.
func (k Key) Receive(alg Algorithm, cryptogram []byte) (Key, error) {
	clearText, err := k.Decrypt(cryptogram)
	if err != nil {
		return Key{}, fmt.Errorf("cannot receive key: %w", err)
	}
	defer clear(clearText)
	return NewKey(alg, clearText)
}
