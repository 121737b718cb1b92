package card

import "encoding/binary"

// Status words SW1 SW2 of ISO/IEC 7816-4.
const (
	swDone         = 0x9000
	swMore         = 0x6100 // + bytes that GET RESPONSE will bring
	swMemory       = 0x6581
	swLength       = 0x6700
	swWrongData    = 0x6A80
	swNoFile       = 0x6A82
	swFull         = 0x6A84
	swParameters   = 0x6A86
	swNoKey        = 0x6A88
	swRightLength  = 0x6C00 // + the length to ask for
	swNoSuchINS    = 0x6D00
	swNoSuchCLA    = 0x6E00
	swNoExactCause = 0x6F00
)

// request is a command APDU, taken apart.
type request struct {
	cla, ins, p1, p2 byte
	data             []byte
	ne               int // most bytes of answer, 0..256
}

// readRequest takes the four cases of a short command APDU apart (ISO/IEC 7816-3, 12.1.3):
//
//	1 header    2 header Le    3 header Lc data    4 header Lc data Le
func readRequest(b []byte) (request, bool) {
	if len(b) < 4 {
		return request{}, false
	}
	r := request{cla: b[0], ins: b[1], p1: b[2], p2: b[3]}
	switch body := b[4:]; {
	case len(body) == 0:
	case len(body) == 1:
		r.ne = expected(body[0])
	case body[0] > 0 && len(body) == 1+int(body[0]):
		r.data = body[1:]
	case body[0] > 0 && len(body) == 2+int(body[0]):
		r.data, r.ne = body[1:len(body)-1], expected(body[len(body)-1])
	default:
		return request{}, false
	}
	return r, true
}

// expected is what an Le byte asks for.
func expected(le byte) int {
	if le == 0 {
		return 256
	}
	return int(le)
}

// APDU executes a command APDU of any case and returns data and SW1 SW2, as a card does that speaks T=1.
func (c *Card) APDU(command []byte) []byte {
	r, ok := readRequest(command)
	if !ok {
		return status(swLength)
	}
	data, sw := c.execute(r)
	switch {
	case len(data) <= r.ne:
		return append(data, status(sw)...)
	case r.ne == 0: // nobody asked for it
		return status(sw)
	default:
		return status(lengthIs(swRightLength, len(data)))
	}
}

func status(sw uint16) []byte { return binary.BigEndian.AppendUint16(nil, sw) }

// lengthIs puts a length into SW2; 0 stands for 256.
func lengthIs(sw uint16, n int) uint16 { return sw | uint16(byte(n)) }
