package devicesim

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"

	"unbindd/device/devicesim/keying"
)

// Key types, algorithms, KCV methods, states and reasons as numbers of pedlink and of the memory file.
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
	algSM4     = 4
	algDES     = 5
	algAES192  = 6
	algAES256  = 7

	kcvZero           = byte(keying.ZeroBlock)
	kcvCMAC           = byte(keying.CodeMAC)
	kcvZeroLong       = byte(keying.ZeroBlockLong)
	kcvGlobalPlatform = byte(keying.GlobalPlatform)

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
	algNames    = map[byte]string{algTDES: "3DES", algAES: "AES-128", algEd25519: "ED25519", algSM4: "SM4", algDES: "DES", algAES192: "AES-192", algAES256: "AES-256"}
	methodNames = map[byte]string{kcvZero: "zero-block", kcvCMAC: "cmac", kcvZeroLong: "zero-block-4", kcvGlobalPlatform: "globalplatform"}
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
	parent   uint16 // slot of the key it was loaded under; 0: of none
	usage    string // as its key block said, two characters; "": it came without one
	key      secret
}

// secret is the bytes of a key; no formatting verb and no encoder prints them.
type secret []byte

func (secret) String() string { return "" }

func (secret) GoString() string { return "" }

func (secret) Format(fmt.State, rune) {}

func (secret) MarshalJSON() ([]byte, error) { return []byte(`""`), nil }

// Format keeps the key out of a slot that is printed: of a field, fmt would not ask.
func (s slot) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "{%04x %s %s %s}", s.id, typeNames[s.typ], algNames[s.alg], stateNames[s.state])
}

const (
	slotSize  = 256
	headSize  = 64 // with its checksum in the last four bytes
	keyOffset = 128
	keySpace  = 64
	maxSlots  = 704
	kcvSpace  = 5
	ksnSpace  = 12
)

// head encodes everything but the key:
//
//	id u16, type, algorithm, state, reason, hidden, method, KCV (length and 5), KSN (length and 12),
//	zeroised u32 at 28, parent u16, usage (2), checksum u32 at 60
func (s *slot) head() []byte {
	b := make([]byte, headSize)
	binary.BigEndian.PutUint16(b, s.id)
	b[2], b[3], b[4], b[5], b[7] = s.typ, s.alg, s.state, s.reason, s.method
	if s.hidden {
		b[6] = 1
	}
	b[8] = byte(copy(b[9:9+kcvSpace], s.kcv))
	b[14] = byte(copy(b[15:15+ksnSpace], s.ksn))
	binary.BigEndian.PutUint32(b[28:], s.zeroised)
	binary.BigEndian.PutUint16(b[32:], s.parent)
	copy(b[34:36], s.usage)
	binary.BigEndian.PutUint32(b[headSize-4:], crc32.Checksum(b[:headSize-4], crc32c))
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
		zeroised: binary.BigEndian.Uint32(b[28:]), parent: binary.BigEndian.Uint16(b[32:]),
		usage: strings.TrimRight(string(b[34:36]), "\x00"),
	}
	if s.typ == 0 {
		return slot{}, false
	}
	s.kcv = append(s.kcv, b[9:9+min(int(b[8]), kcvSpace)]...)
	s.ksn = append(s.ksn, b[15:15+min(int(b[14]), ksnSpace)]...)
	s.key = append(s.key, b[keyOffset+1:keyOffset+1+min(int(b[keyOffset]), keySpace-1)]...)
	if crc32.Checksum(b[:headSize-4], crc32c) != binary.BigEndian.Uint32(b[headSize-4:]) {
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
