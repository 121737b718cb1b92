package card

// block is one block of T=1: NAD, PCB, LEN, up to 254 bytes of information, and a check byte, the exclusive or of
// all before it (ISO/IEC 7816-3, 11.3).
type block struct {
	nad, pcb byte
	inf      []byte
}

// PCB of the three kinds of blocks.
const (
	iSequence = 0x40 // I-block: N(S)
	iMore     = 0x20 // I-block: more follows
	iReserved = 0x1F

	rBlock    = 0x80
	rSequence = 0x10 // R-block: N(R), the block that is expected next
	rDamaged  = 0x01 // R-block: the check byte was wrong
	rOther    = 0x02 // R-block: another error

	sBlock    = 0xC0
	sResponse = 0x20
	sResynch  = 0xC0
	sIFS      = 0xC1
	sAbort    = 0xC2
	sWTX      = 0xC3
)

const (
	longestInf = 254
	frameOfInf = 4 // bytes around the information
)

func (b block) isI() bool { return b.pcb&0x80 == 0 }
func (b block) isR() bool { return b.pcb&0xC0 == rBlock }

func (b block) bytes() []byte {
	raw := append([]byte{b.nad, b.pcb, byte(len(b.inf))}, b.inf...)
	return append(raw, lrc(raw))
}

// readBlock returns what an R-block has to complain about: rDamaged, rOther, or 0 for a good block.
func readBlock(raw []byte) (block, byte) {
	switch {
	case len(raw) < frameOfInf:
		return block{}, rOther
	case lrc(raw) != 0:
		return block{}, rDamaged
	case int(raw[2]) != len(raw)-frameOfInf || raw[2] > longestInf:
		return block{}, rOther
	}
	return block{nad: raw[0], pcb: raw[1], inf: raw[3 : len(raw)-1]}, 0
}
