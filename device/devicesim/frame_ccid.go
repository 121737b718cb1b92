package devicesim

import (
	"encoding/binary"
)

// Bytes around a message of CCID on a serial line.
const (
	ccidSync   = 0x03
	ccidAck    = 0x06 // a message follows
	ccidNak    = 0x15
	ccidChange = 0x50 // a card was moved: one more byte follows
	ccidAsks   = 0x80 // and above: the reader asks for time

	ccidAbsent  = 0x02
	ccidPresent = 0x03
)

const (
	ccidHead     = 10
	ccidAround   = 3              // sync, control, check byte
	ccidLongest  = 271 - ccidHead // most data of a message
	ccidWaitTime = gapTime        // silence that ends half a frame
)

// nakFrame refuses a frame, in either direction.
var nakFrame = []byte{ccidSync, ccidNak, ccidSync ^ ccidNak}

// ccidCommand is a message of the host: PC_to_RDR.
type ccidCommand struct {
	kind   byte
	slot   byte
	seq    byte
	params [3]byte
	data   []byte
}

// ccidAnswer is a message of the reader: RDR_to_PC.
type ccidAnswer struct {
	kind   byte
	slot   byte
	seq    byte
	status byte // what the card is, and whether the command failed
	fault  byte
	param  byte
	data   []byte
}

// frame puts an answer on the line.
func (a ccidAnswer) frame() []byte {
	b := []byte{ccidSync, ccidAck, a.kind}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(a.data)))
	b = append(b, a.slot, a.seq, a.status, a.fault, a.param)
	b = append(b, a.data...)
	return append(b, xor(b))
}

func xor(b []byte) (sum byte) {
	for _, v := range b {
		sum ^= v
	}
	return sum
}

// ccidFound is what scanCCID saw.
type ccidFound int

const (
	ccidNothing ccidFound = iota // more bytes are needed
	ccidMessage
	ccidDamaged // a frame of a sound length whose check byte is wrong
	ccidRefusal // the host refuses the last answer
)

// scanCCID takes one frame off the input. What cannot begin a frame is thrown away byte by byte; raw is the frame as
// it came.
func scanCCID(input []byte) (c ccidCommand, what ccidFound, raw, left []byte) {
	for len(input) > 0 {
		n := ccidSpan(input)
		switch {
		case n == 0 || n > len(input):
			return ccidCommand{}, ccidNothing, nil, input
		case n == 1:
			input = input[1:]
			continue
		}
		raw, left = input[:n], input[n:]
		switch {
		case xor(raw) != 0:
			return ccidCommand{}, ccidDamaged, raw, left
		case n == len(nakFrame):
			return ccidCommand{}, ccidRefusal, raw, left
		}
		return readCCID(raw), ccidMessage, raw, left
	}
	return ccidCommand{}, ccidNothing, nil, nil
}

// ccidSpan is the length of the frame that begins here: 0 if that cannot be known yet, 1 if none does.
func ccidSpan(b []byte) int {
	switch {
	case b[0] != ccidSync:
		return 1
	case len(b) == 1:
		return 0
	case b[1] == ccidNak:
		return len(nakFrame)
	case b[1] != ccidAck:
		return 1
	case len(b) < 2+5:
		return 0
	}
	n := binary.LittleEndian.Uint32(b[3:])
	if n > ccidLongest {
		return 1
	}
	return ccidAround + ccidHead + int(n)
}

func readCCID(raw []byte) ccidCommand {
	m := raw[2 : len(raw)-1]
	return ccidCommand{kind: m[0], slot: m[5], seq: m[6], params: [3]byte(m[7:10]), data: m[ccidHead:]}
}
