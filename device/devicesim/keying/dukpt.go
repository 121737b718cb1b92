package keying

import (
	"bytes"
	"crypto/des"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// ErrExhausted means that an initial key has no further keys; it must be replaced.
var ErrExhausted = errors.New("DUKPT key is used up")

// KSN is the serial number of a DUKPT key with 3DES (X9.24-1): who it is for, and in the last 21 bits how often it
// was used.
//
//	fresh (counter 0) -> used (Next: counter up, keys with more than ten one bits left out) -> exhausted
type KSN [10]byte

const (
	counterBits = 21
	counterMask = 1<<counterBits - 1
	counterOnes = 10 // more one bits would make deriving too slow for the readers of 1986
)

// Counter is how often the key was used; keys that are left out count too.
func (n KSN) Counter() uint32 { return binary.BigEndian.Uint32(n[6:]) & counterMask }

// withCounter sets the counter.
func (n KSN) withCounter(c uint32) KSN {
	high := binary.BigEndian.Uint32(n[6:]) &^ counterMask
	binary.BigEndian.PutUint32(n[6:], high|c&counterMask)
	return n
}

// Next is the serial number of the next use. It must be durable before the key is used: the same number twice
// would use one key twice.
func (n KSN) Next() (KSN, error) {
	c, ok := following(n.Counter(), counterOnes, counterMask)
	if !ok {
		return n, ErrExhausted
	}
	return n.withCounter(c), nil
}

// following is the next counter with at most so many one bits. While there are too many, everything up to the next
// carry out of the lowest one bit has too many as well.
func following(c uint32, ones int, last uint32) (uint32, bool) {
	next := uint64(c) + 1
	for bits.OnesCount64(next) > ones {
		next += next & -next
	}
	return uint32(next), next <= uint64(last)
}

// variant is what the right half of an initial key, and the left half of each next one, is made with.
var variant = []byte{0xC0, 0xC0, 0xC0, 0xC0, 0, 0, 0, 0, 0xC0, 0xC0, 0xC0, 0xC0, 0, 0, 0, 0}

// InitialKey derives what is injected into a reader (IPEK) from the base key, which never leaves the host.
func InitialKey(base Key, n KSN) (Key, error) {
	if base.alg != TDES || base.Len() != 16 {
		return Key{}, fmt.Errorf("cannot derive initial key: the base key is no 3DES key of 16 bytes")
	}
	serial := n.withCounter(0)
	masked := base.masked(variant)
	defer masked.Destroy()
	left, err := base.Encrypt(serial[:8])
	if err != nil {
		return Key{}, err
	}
	right, err := masked.Encrypt(serial[:8])
	if err != nil {
		return Key{}, err
	}
	return own(TDES, append(left, right...)), nil
}

func (k Key) masked(mask []byte) Key {
	raw := k.Reveal()
	xor(raw, mask)
	return own(k.alg, raw)
}

// Use is what a DUKPT key of one transaction is for.
type Use byte

// The uses of a transaction's key.
const (
	UsePIN Use = iota + 1
	UseMACRequest
	UseMACResponse
	UseData
)

// position is the byte, in each half of the key, that the variant of a use turns over.
var position = map[Use]int{UsePIN: 7, UseMACRequest: 6, UseMACResponse: 4, UseData: 5}

// TransactionKey derives the key of one use from the initial key and the serial number of that use, whose counter is
// not 0. A reader of steel keeps future keys and forgets each one used; who keeps the initial key, as here, can
// derive past keys again.
func TransactionKey(initial Key, n KSN, use Use) (Key, error) {
	at, known := position[use]
	if initial.alg != TDES || initial.Len() != 16 || n.Counter() == 0 || !known {
		return Key{}, errors.New("cannot derive transaction key: no double-length initial key, or no transaction")
	}
	current, err := climb(initial, n)
	if err != nil {
		return Key{}, fmt.Errorf("cannot derive transaction key: %w", err)
	}
	defer current.Destroy()
	mask := make([]byte, 16)
	mask[at], mask[8+at] = 0xFF, 0xFF
	k := current.masked(mask)
	if use != UseData {
		return k, nil
	}
	defer k.Destroy()
	raw, err := k.Encrypt(k.bytes()) // one way, so that data keys tell nothing of PIN keys
	if err != nil {
		return Key{}, err
	}
	return own(TDES, raw), nil
}

// climb goes from the initial key through one key for each one bit of the counter, highest first.
func climb(initial Key, n KSN) (Key, error) {
	key, counter, reached := initial.Reveal(), n.Counter(), uint32(0)
	for bit := uint32(1) << (counterBits - 1); bit > 0; bit >>= 1 {
		if counter&bit == 0 {
			continue
		}
		reached |= bit
		serial := n.withCounter(reached)
		next, err := rung(key, serial[2:])
		clear(key)
		if err != nil {
			return Key{}, err
		}
		key = next
	}
	return own(TDES, key), nil
}

// rung is the key generation of X9.24-1 annex A: DES with one half of the key over the serial number, masked before
// and after with the other half.
func rung(key, serial []byte) ([]byte, error) {
	masked := bytes.Clone(key)
	defer clear(masked)
	xor(masked, variant)
	left, err := half(masked, serial)
	if err != nil {
		return nil, err
	}
	right, err := half(key, serial)
	return append(left, right...), err
}

func half(key, serial []byte) ([]byte, error) {
	b, err := des.NewCipher(key[:8])
	if err != nil {
		return nil, err
	}
	out := bytes.Clone(serial)
	xor(out, key[8:])
	b.Encrypt(out, out)
	xor(out, key[8:])
	return out, nil
}
