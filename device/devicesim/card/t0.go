package card

const insGetResponse = 0xC0

// t0 is the card's end of T=0, at the level of whole commands: procedure bytes are between the reader and the card.
//
//	idle -> (a command with data to it, and an answer) holding -> (GET RESPONSE) idle, or holding what is left
//	holding -> (any other command) idle
type t0 struct{ answer []byte }

// T0 executes a command TPDU: five bytes of header, then P3 bytes of data if they go to the card. Of a case 1
// command the reader may leave P3 away. The answer is data, then SW1 SW2; 61xx says that GET RESPONSE brings xx
// bytes, 6Cxx that P3 should be xx (ISO/IEC 7816-3, 10.3 and 12.2.1).
func (c *Card) T0(tpdu []byte) []byte {
	c.fresh = false
	if len(tpdu) == 4 {
		tpdu = append(append([]byte{}, tpdu...), 0)
	}
	if len(tpdu) < 5 {
		return status(swLength)
	}
	p3, data := tpdu[4], tpdu[5:]
	r := request{cla: tpdu[0], ins: tpdu[1], p1: tpdu[2], p2: tpdu[3]}
	if r.cla == 0 && r.ins == insGetResponse && len(data) == 0 {
		return c.getResponse(expected(p3))
	}
	c.t0 = t0{}
	cmd, sw := find(r.cla, r.ins)
	switch {
	case sw != swDone:
		return status(sw)
	case cmd.way == in && len(data) == int(p3):
		r.data = data
		return c.hold(c.execute(r))
	case cmd.way == out && len(data) == 0:
		r.ne = expected(p3)
		return c.exactly(r)
	case cmd.way == neither && p3 == 0 && len(data) == 0:
		_, sw = c.execute(r)
		return status(sw)
	}
	return status(swLength)
}

// hold keeps an answer until it is asked for.
func (c *Card) hold(answer []byte, sw uint16) []byte {
	if len(answer) == 0 {
		return status(sw)
	}
	c.t0.answer = answer
	return status(lengthIs(swMore, len(answer)))
}

// exactly answers with as many bytes as were asked for, or tells how many there are.
func (c *Card) exactly(r request) []byte {
	data, sw := c.execute(r)
	if len(data) > 0 && len(data) != r.ne {
		return status(lengthIs(swRightLength, len(data)))
	}
	return append(data, status(sw)...)
}

func (c *Card) getResponse(n int) []byte {
	held := c.t0.answer
	switch {
	case len(held) == 0:
		return status(swParameters)
	case n > len(held):
		return status(lengthIs(swRightLength, len(held)))
	}
	c.t0.answer = held[n:]
	if left := len(held) - n; left > 0 {
		return append(append([]byte{}, held[:n]...), status(lengthIs(swMore, left))...)
	}
	return append(append([]byte{}, held...), status(swDone)...)
}
