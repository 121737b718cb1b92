package keying

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// KSNAES is the serial number of a DUKPT key with AES (X9.24-3): the id of the initial key, 8 bytes, and how often it
// was used, 4 bytes. Its states are those of KSN.
type KSNAES [12]byte

const counterOnesAES = 16

// Counter is how often the key was used; keys that are left out count too.
func (n KSNAES) Counter() uint32 { return binary.BigEndian.Uint32(n[8:]) }

// Next is the serial number of the next use, to be durable before the key is used.
func (n KSNAES) Next() (KSNAES, error) {
	c, ok := following(n.Counter(), counterOnesAES, 1<<32-1)
	if !ok {
		return n, ErrExhausted
	}
	binary.BigEndian.PutUint32(n[8:], c)
	return n, nil
}

// Numbers of X9.24-3, table 2: what a derived key is for.
const (
	derivesInitial = 0x8001
	derivesKeys    = 0x8000
)

var usageAES = map[Use]uint16{UsePIN: 0x1000, UseMACRequest: 0x2000, UseMACResponse: 0x2001, UseData: 0x3000}

// InitialKeyAES derives what is injected into a reader from the base key, as long as that one.
func InitialKeyAES(base Key, n KSNAES) (Key, error) {
	k, err := base.deriveAES(derivesInitial, n[:8])
	if err != nil {
		return Key{}, fmt.Errorf("cannot derive initial key: %w", err)
	}
	return k, nil
}

// TransactionKeyAES derives the key of one use, an AES key as long as the initial key. UseMACRequest is a key that
// makes MACs, UseMACResponse one that checks them.
func TransactionKeyAES(initial Key, n KSNAES, use Use) (Key, error) {
	usage, known := usageAES[use]
	if n.Counter() == 0 || !known {
		return Key{}, errors.New("cannot derive transaction key: no transaction")
	}
	current, err := climbAES(initial, n)
	if err != nil {
		return Key{}, fmt.Errorf("cannot derive transaction key: %w", err)
	}
	defer current.Destroy()
	return current.deriveAES(usage, n[4:])
}

func climbAES(initial Key, n KSNAES) (Key, error) {
	current, counter, place := own(initial.alg, initial.Reveal()), n.Counter(), n
	reached := uint32(0)
	for bit := uint32(1) << 31; bit > 0; bit >>= 1 {
		if counter&bit == 0 {
			continue
		}
		reached |= bit
		binary.BigEndian.PutUint32(place[8:], reached)
		next, err := current.deriveAES(derivesKeys, place[4:])
		current.Destroy()
		if err != nil {
			return Key{}, err
		}
		current = next
	}
	return current, nil
}

// deriveAES encrypts what the new key is for: version 1, number of the block, usage, algorithm, bits, and 8 bytes that
// say for whom.
func (k Key) deriveAES(usage uint16, whom []byte) (Key, error) {
	if k.alg != AES {
		return Key{}, fmt.Errorf("%v key derives no AES key", k.alg)
	}
	algorithm, bits := byte(k.Len()/8), 8*k.Len() // 2, 3, 4: AES-128, -192, -256
	var raw []byte
	for counter := byte(1); len(raw) < k.Len(); counter++ {
		data := []byte{1, counter, byte(usage >> 8), byte(usage), 0, algorithm, byte(bits >> 8), byte(bits)}
		piece, err := k.Encrypt(append(data, whom...))
		if err != nil {
			return Key{}, err
		}
		raw = append(raw, piece...)
	}
	return own(AES, raw[:k.Len()]), nil
}
