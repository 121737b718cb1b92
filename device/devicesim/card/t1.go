package card

const firstIFSD = 32 // what a reader takes before it has said S(IFS)

// longestCommand is the longest short command APDU: header, Lc, 255 bytes, Le.
const longestCommand = 4 + 1 + 255 + 1

// t1 is the card's end of T=1. It speaks only when it is spoken to:
//
//	idle -> (I, more) taking -> (I) executed
//	idle -> (I) executed -> (it wants no more time) sending -> (the last block) idle
//	executed -> (S(WTX) asked and granted, as often as it wants) sending
//	sending -> (R for the next) sending
//	any -> (R, or a block that cannot be) the same, the block is sent again
//	any -> (S(RESYNCH)) idle, from the beginning
type t1 struct {
	ifsd     int
	nextIn   byte // N(S) of the reader's next I-block: 0 or 1
	nextOut  byte // N(S) of the card's next I-block
	taken    []byte
	answer   []byte // what is still to be sent
	extend   int    // S(WTX) still to be asked for
	asked    bool   // an S(WTX) is on its way
	lastI    []byte // the last I-block, until the reader's next
	lastSent []byte // an acknowledgement or an S(WTX) that was sent since
}

func newT1() t1 { return t1{ifsd: firstIFSD} }

// T1 takes one block and returns the card's. What is damaged, or cannot be now, is answered with an R-block and
// changes nothing.
func (c *Card) T1(raw []byte) []byte {
	c.fresh = false
	b, wrong := readBlock(raw)
	answer := block{}
	switch {
	case wrong != 0:
		answer = c.t1.complain(wrong)
	case b.isI():
		answer = c.takeInformation(b)
	case b.isR():
		return c.t1.again(b)
	default:
		answer = c.supervise(b)
	}
	answer.nad = swap(b.nad)
	return c.t1.remember(answer)
}

// swap turns sender and receiver round.
func swap(nad byte) byte { return nad>>4 | nad<<4 }

func (t *t1) remember(b block) []byte {
	raw := b.bytes()
	switch {
	case b.isI():
		t.lastI, t.lastSent = raw, nil
	case b.isR() && b.pcb&(rDamaged|rOther) == 0, b.pcb == sWTX:
		t.lastSent = raw
	}
	return raw
}

// complain names the block that is expected.
func (t *t1) complain(why byte) block { return block{pcb: rBlock | t.nextIn*rSequence | why} }

// takeInformation takes an I-block once: the same sequence bit again is another one's.
func (c *Card) takeInformation(b block) block {
	t := &c.t1
	switch {
	case b.pcb&iReserved != 0, len(b.inf) > int(c.options.IFSC), (b.pcb&iSequence)/iSequence != t.nextIn,
		t.asked || len(t.answer) > 0, len(t.taken)+len(b.inf) > longestCommand:
		return t.complain(rOther)
	}
	t.nextIn ^= 1
	t.lastI = nil
	t.taken = append(t.taken, b.inf...)
	if b.pcb&iMore != 0 {
		return t.complain(0) // which is no complaint
	}
	command := t.taken
	t.taken = nil
	t.answer, t.extend = c.APDU(command), c.options.Extensions
	return t.proceed()
}

// proceed asks for more time, or sends the next piece of the answer.
func (t *t1) proceed() block {
	if t.asked = t.extend > 0; t.asked {
		t.extend--
		return block{pcb: sWTX, inf: []byte{1}}
	}
	piece := t.answer[:min(len(t.answer), t.ifsd)]
	b := block{pcb: t.nextOut * iSequence, inf: piece}
	if t.answer = t.answer[len(piece):]; len(t.answer) > 0 {
		b.pcb |= iMore
	}
	t.nextOut ^= 1
	return b
}

// again is what follows an R-block: the next piece, if that is what the reader expects, else what was sent before.
func (t *t1) again(b block) []byte {
	wants := b.pcb & rSequence / rSequence
	switch {
	case t.asked:
		return t.lastSent
	case len(t.answer) > 0 && wants == t.nextOut:
		next := t.proceed()
		next.nad = swap(b.nad)
		return t.remember(next)
	case t.lastI != nil && wants != t.nextOut:
		return t.lastI
	case t.lastSent != nil:
		return t.lastSent
	}
	complaint := t.complain(rOther)
	complaint.nad = swap(b.nad)
	return complaint.bytes()
}

// supervise answers S-blocks.
func (c *Card) supervise(b block) block {
	t := &c.t1
	switch {
	case b.pcb == sResynch && len(b.inf) == 0:
		c.t1 = newT1()
	case b.pcb == sIFS && len(b.inf) == 1 && b.inf[0] >= 1 && b.inf[0] <= longestInf:
		t.ifsd = int(b.inf[0])
	case b.pcb == sAbort && len(b.inf) == 0:
		t.taken, t.answer, t.asked, t.extend = nil, nil, false, 0
	case b.pcb == sWTX|sResponse && t.asked && len(b.inf) == 1:
		return t.proceed()
	default:
		return t.complain(rOther)
	}
	return block{pcb: b.pcb | sResponse, inf: b.inf}
}
