package devicesim

import (
	"encoding/binary"
	"hash/crc32"
)

// Key types, algorithms, KCV methods, states and reasons as numbers of the protocol.
const (
	keyTLK    = 1
	keyTMK    = 2
	keyTPK    = 3
	keyTAK    = 4
	keyTDK    = 5
	keyIPEK   = 6
	keyLink   = 0x20
	keyRecord = 0x21

	algTDES    = 1
	algAES     = 2
	algEd25519 = 3

	kcvZero = 1
	kcvCMAC = 2

	slotEmpty     = 0
	slotLoaded    = 1
	slotExhausted = 2
	slotBlocked   = 3

	keepRemoteLoading = 1
	keepReaderLink    = 2
	keepRecordSigning = 3
)

var (
	typeNames   = map[byte]string{keyTLK: "TLK", keyTMK: "TMK", keyTPK: "TPK", keyTAK: "TAK", keyTDK: "TDK", keyIPEK: "IPEK", keyLink: "LINK", keyRecord: "RECORD"}
	algNames    = map[byte]string{algTDES: "3DES", algAES: "AES-128", algEd25519: "ED25519"}
	methodNames = map[byte]string{kcvZero: "zero-block", kcvCMAC: "cmac"}
	stateNames  = map[byte]string{slotEmpty: "empty", slotLoaded: "loaded", slotExhausted: "exhausted", slotBlocked: "blocked"}
)

// slot is one place for a key. In the memory file it has slotSize bytes: what is said about the key in the
// first half, the key in the second, so that the key can be overwritten by itself.
type slot struct {
	id       uint16
	typ      byte
	alg      byte
	state    byte
	reason   byte // why it is retained; 0: may be erased
	hidden   bool // a lie survives a restart: listed empty, and the key is there
	method   byte
	kcv      []byte
	ksn      []byte
	zeroised uint32 // how often the key was overwritten, in the reader's life
	key      []byte
}

const (
	slotSize  = 256
	keyOffset = 128
	keySpace  = 64
	maxSlots  = 64
)

// head encodes everything but the key.
func (s *slot) head() []byte {
	b := make([]byte, keyOffset)
	binary.BigEndian.PutUint16(b, s.id)
	b[2], b[3], b[4], b[5], b[7] = s.typ, s.alg, s.state, s.reason, s.method
	if s.hidden {
		b[6] = 1
	}
	b[8] = byte(copy(b[9:14], s.kcv))
	b[14] = byte(copy(b[15:25], s.ksn))
	binary.BigEndian.PutUint32(b[28:], s.zeroised)
	binary.BigEndian.PutUint32(b[32:], crc32.Checksum(b[:32], crc32c))
	return b
}

func (s *slot) keyBytes() []byte {
	b := make([]byte, keySpace)
	b[0] = byte(copy(b[1:], s.key))
	return b
}

// decodeSlot reads a slot back; false if its place was never used. A head that a power cut tore is taken
// as a blocked slot: the key may be there, so it must still be erased.
func decodeSlot(b []byte) (slot, bool) {
	s := slot{
		id: binary.BigEndian.Uint16(b), typ: b[2], alg: b[3], state: b[4], reason: b[5], hidden: b[6] == 1, method: b[7],
		zeroised: binary.BigEndian.Uint32(b[28:]),
	}
	if s.typ == 0 {
		return slot{}, false
	}
	s.kcv = append(s.kcv, b[9:9+min(int(b[8]), 5)]...)
	s.ksn = append(s.ksn, b[15:15+min(int(b[14]), 10)]...)
	s.key = append(s.key, b[keyOffset+1:keyOffset+1+min(int(b[keyOffset]), keySpace-1)]...)
	if crc32.Checksum(b[:32], crc32c) != binary.BigEndian.Uint32(b[32:]) {
		s.state = slotBlocked
	}
	return s, true
}

// entry is the slot as LIST_KEYS tells it; asEmpty lies.
func (s *slot) entry(asEmpty bool) body {
	state, kcv, ksn := s.state, s.kcv, s.ksn
	if asEmpty || state == slotEmpty {
		state, kcv, ksn = slotEmpty, nil, nil
	}
	e := body{}.put16(tgSlot, s.id).put8(tgKeyType, s.typ).put8(tgAlgorithm, s.alg).put8(tgState, state)
	if len(kcv) > 0 {
		e = e.put(tgKCV, append([]byte{s.method}, kcv...))
	}
	if len(ksn) > 0 {
		e = e.put(tgKSN, ksn)
	}
	if s.reason != 0 {
		e = e.put8(tgReason, s.reason)
	}
	return e
}
