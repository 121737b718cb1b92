package device

import (
	"encoding/binary"
	"fmt"
)

// A block of T=1 (ISO/IEC 7816-3, section 11): NAD PCB LEN INF EDC. PCB by kind:
//
//	I  0 N(S) M 00000        information; M: more of the chain follows
//	R  100 N(R) 00 error     which I-block is expected next; error 0 none, 1 EDC, 2 other
//	S  11 response type      0 resynchronise, 1 size of the information field, 2 abort, 3 waiting time
const (
	t1NumberI  = 0x40
	t1More     = 0x20
	t1R        = 0x80
	t1NumberR  = 0x10
	t1EDCError = 0x01
	t1Other    = 0x02
	t1S        = 0xC0
	t1Response = 0x20

	t1Resync = t1S | 0
	t1IFS    = t1S | 1
	t1Abort  = t1S | 2
	t1WTX    = t1S | 3

	t1HeaderLen  = 3
	t1LongestInf = 254
)

// t1Block is one block; the node address is always 0.
type t1Block struct {
	pcb byte
	inf []byte
}

// t1Code is how the blocks of a card end: with an LRC of one byte or a CRC of two.
type t1Code struct{ crc bool }

func (c t1Code) encode(b t1Block) []byte {
	raw := append([]byte{0, b.pcb, byte(len(b.inf))}, b.inf...)
	if c.crc {
		return binary.BigEndian.AppendUint16(raw, crc16(raw))
	}
	return append(raw, lrc(raw))
}

// decode reads one whole block; the error is that of the transmission or of the form, and both ask for the
// block again.
func (c t1Code) decode(raw []byte) (t1Block, error) {
	tail := 1
	if c.crc {
		tail = 2
	}
	if len(raw) < t1HeaderLen+tail || int(raw[2]) != len(raw)-t1HeaderLen-tail {
		return t1Block{}, fmt.Errorf("%w: %d bytes are no block", errDamaged, len(raw))
	}
	body, edc := raw[:len(raw)-tail], raw[len(raw)-tail:]
	if c.crc && binary.BigEndian.Uint16(edc) != crc16(body) || !c.crc && edc[0] != lrc(body) {
		return t1Block{}, fmt.Errorf("%w: error detection code is wrong", errDamaged)
	}
	b := t1Block{pcb: raw[1], inf: raw[t1HeaderLen : len(raw)-tail]}
	if raw[0] != 0 || !b.isSound() {
		return t1Block{}, fmt.Errorf("%w: no block begins with %02X %02X %02X", errDamaged, raw[0], raw[1], raw[2])
	}
	return b, nil
}

// isSound checks PCB and length against each other.
func (b t1Block) isSound() bool {
	switch {
	case len(b.inf) > t1LongestInf:
		return false
	case b.isI():
		return b.pcb&0x1F == 0
	case b.isR():
		return b.pcb&0x2C == 0 && b.pcb&0x03 != 3 && len(b.inf) == 0
	}
	switch b.pcb &^ t1Response {
	case t1Resync, t1Abort:
		return len(b.inf) == 0
	case t1IFS:
		return len(b.inf) == 1 && b.inf[0] != 0 && b.inf[0] != 0xFF
	case t1WTX:
		return len(b.inf) == 1
	}
	return false
}

func (b t1Block) isI() bool { return b.pcb&0x80 == 0 }
func (b t1Block) isR() bool { return b.pcb&0xC0 == t1R }

// number is N(S) of an I-block or N(R) of an R-block.
func (b t1Block) number() byte {
	if b.isI() && b.pcb&t1NumberI != 0 || b.isR() && b.pcb&t1NumberR != 0 {
		return 1
	}
	return 0
}

func (b t1Block) more() bool { return b.isI() && b.pcb&t1More != 0 }

// crc16 is the CRC of T=1: polynomial 1021 reflected, initial value FFFF, sent with its high byte first.
func crc16(b []byte) uint16 {
	crc := uint16(0xFFFF)
	for _, v := range b {
		crc ^= uint16(v)
		for range 8 {
			if crc&1 != 0 {
				crc = crc>>1 ^ 0x8408
			} else {
				crc >>= 1
			}
		}
	}
	return crc
}
