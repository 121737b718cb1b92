package devicesim

import (
	"fmt"

	"unbindd/device/devicesim/keying"
)

// mac is AES-CMAC, RFC 4493, of the reader's own keys.
type mac struct{ *keying.CMAC }

func newMAC(key []byte) (*mac, error) {
	k, err := keying.NewKey(keying.AES, key)
	if err != nil {
		return nil, fmt.Errorf("cannot make CMAC key: %w", err)
	}
	defer k.Destroy()
	c, err := keying.NewCMAC(k)
	return &mac{c}, err
}

// sum is the whole 16-byte MAC of the parts joined.
func (m *mac) sum(parts ...[]byte) [16]byte { return [16]byte(m.Sum(parts...)) }

// payment is the slot's key for package keying.
func (s *slot) payment() (keying.Key, error) { return paymentKey(s.alg, s.key) }

func paymentKey(alg byte, key []byte) (keying.Key, error) {
	family, known := families[alg]
	if !known {
		return keying.Key{}, fmt.Errorf("cannot use key: algorithm %d is of no payment key", alg)
	}
	return keying.NewKey(family, key)
}

var families = map[byte]keying.Algorithm{
	algDES: keying.DES, algTDES: keying.TDES, algAES: keying.AES, algAES192: keying.AES, algAES256: keying.AES, algSM4: keying.SM4,
}

// algorithmOf is the memory's number for a key.
func algorithmOf(k keying.Key) byte {
	switch k.Algorithm() {
	case keying.DES:
		return algDES
	case keying.TDES:
		return algTDES
	case keying.SM4:
		return algSM4
	}
	return map[int]byte{16: algAES, 24: algAES192, 32: algAES256}[k.Len()]
}

// usualMethod is how a check value is made where nothing else was agreed: the zero block of X9.24 for 3DES, CMAC
// for AES, and the four bytes that China uses for the rest.
func usualMethod(alg byte) byte {
	switch families[alg] {
	case keying.TDES:
		return kcvZero
	case keying.AES:
		return kcvCMAC
	}
	return kcvZeroLong
}

// check makes the slot's check value by its method, or by the usual one if it has none yet.
func (s *slot) check() error {
	if s.method == 0 {
		s.method = usualMethod(s.alg)
	}
	k, err := s.payment()
	if err != nil {
		return fmt.Errorf("cannot compute KCV: %w", err)
	}
	defer k.Destroy()
	s.kcv, err = keying.KCV(keying.Method(s.method), k)
	return err
}

// checkValue is a key's KCV with its usual method.
func checkValue(alg byte, key []byte) (method byte, kcv []byte, err error) {
	s := slot{alg: alg, key: key}
	err = s.check()
	return s.method, s.kcv, err
}

// prove uses a key once, on a nonce of 16 bytes, and returns 8 bytes that only the key gives.
func prove(alg byte, key, nonce []byte) ([]byte, error) {
	k, err := paymentKey(alg, key)
	if err != nil {
		return nil, err
	}
	defer k.Destroy()
	switch k.Algorithm() {
	case keying.DES, keying.TDES:
		out, err := k.Encrypt(nonce[:8])
		if err != nil {
			return nil, err
		}
		for i := range out {
			out[i] ^= nonce[8+i]
		}
		return k.Encrypt(out)
	}
	m, err := keying.NewCMAC(k)
	if err != nil {
		return nil, err
	}
	return m.Sum([]byte("pedlink/1 probe"), nonce)[:8], nil
}
