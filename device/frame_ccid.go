package device

import (
	"bytes"
	"encoding/binary"
)

// Frames of serial CCID, as the readers of the GemCore family speak it (docs/WIRE-CCID.md):
//
//	03 06 | type length(4, little endian) slot seq 3 bytes | data | LRC     a message, both ways
//	03 15 16      the reader did not understand the last frame
//	50 bm         a card came or went; at any time between frames
//	80..FF        the reader asks for more time
//
// LRC is the exclusive or of everything before it.
const (
	ccidSync      = 0x03
	ccidControl   = 0x06
	ccidNak       = 0x15
	ccidNakEnd    = 0x16
	ccidChange    = 0x50
	ccidTime      = 0x80 // and above
	ccidHeaderLen = 12   // with the two bytes before the message
	ccidLongest   = ccidHeaderLen + ccidMaxData + 1
	ccidMaxData   = 261 // dwMaxCCIDMessageLength is 271
)

// Status of a socket and of a command, in the first byte behind seq of an answer.
const (
	ccidActive   = 0
	ccidInactive = 1
	ccidAbsent   = 2

	ccidFailed = 1 << 6
	ccidLater  = 2 << 6
)

// ccidMessage is one message. fields are those of a command, or status, error and chain of an answer.
type ccidMessage struct {
	kind   byte
	slot   byte
	seq    byte
	fields [3]byte
	data   []byte
}

func (m ccidMessage) encode() []byte {
	b := []byte{ccidSync, ccidControl, m.kind}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(m.data)))
	b = append(b, m.slot, m.seq, m.fields[0], m.fields[1], m.fields[2])
	b = append(b, m.data...)
	return append(b, lrc(b))
}

func (m ccidMessage) icc() byte     { return m.fields[0] & 3 }
func (m ccidMessage) command() byte { return m.fields[0] & 0xC0 }

// isFromHost tells a command, which can only be its own echo, from an answer.
func (m ccidMessage) isFromHost() bool { return m.kind < ccidDataBlock }

type ccidSignal int

const (
	ccidNothing    ccidSignal = iota // more bytes are needed
	ccidHasMessage                   // a message
	ccidRefusal                      // the reader did not understand a frame
	ccidCard                         // a card came or went
	ccidPatience                     // the reader asks for time
	ccidDamage                       // a sound header, and an LRC that is wrong
)

// ccidDecoder finds frames in what the line delivers, however it was cut up, and after damage looks for the next
// one a byte further on. noise counts the bytes it had to leave out.
//
// The byte behind a slot change may be the first of a frame if the change itself was noise, so it is left out only
// when it begins none. What it says is not used: every answer tells how its socket is.
type ccidDecoder struct {
	buf     []byte
	changed bool // a slot change was the last thing heard
	noise   int
}

func (d *ccidDecoder) feed(b []byte) { d.buf = append(d.buf, b...) }

// next takes the next frame out; its data is valid until the next feed.
func (d *ccidDecoder) next() (ccidMessage, ccidSignal) {
	for len(d.buf) > 0 {
		switch first := d.buf[0]; {
		case first >= ccidTime:
			d.drop(1)
			return ccidMessage{}, ccidPatience
		case first == ccidChange:
			d.drop(1)
			d.changed = true
			continue
		case first == ccidSync && len(d.buf) < 3:
			return ccidMessage{}, ccidNothing
		case bytes.HasPrefix(d.buf, []byte{ccidSync, ccidNak, ccidNakEnd}):
			d.drop(3)
			return ccidMessage{}, ccidRefusal
		case bytes.HasPrefix(d.buf, []byte{ccidSync, ccidControl}):
			if m, s, ok := d.message(); ok {
				return m, s
			}
		}
		d.skip()
	}
	return ccidMessage{}, ccidNothing
}

// message reads the frame that begins here; not ok: there is none.
func (d *ccidDecoder) message() (m ccidMessage, s ccidSignal, ok bool) {
	if k := d.buf[2]; k < ccidSetParameters || k > ccidSetDataRate && k < ccidDataBlock || k > ccidDataRate {
		return m, 0, false
	}
	if len(d.buf) < ccidHeaderLen {
		return m, ccidNothing, true
	}
	length := binary.LittleEndian.Uint32(d.buf[3:])
	if length > ccidMaxData {
		return m, 0, false
	}
	end := ccidHeaderLen + int(length)
	if len(d.buf) <= end {
		return m, ccidNothing, true
	}
	raw := d.buf[:end]
	if lrc(raw) != d.buf[end] {
		d.skip()
		return m, ccidDamage, true
	}
	m = ccidMessage{kind: raw[2], slot: raw[7], seq: raw[8], fields: [3]byte(raw[9:12]), data: raw[ccidHeaderLen:]}
	d.drop(end + 1)
	return m, ccidHasMessage, true
}

func (d *ccidDecoder) drop(n int) { d.buf, d.changed = d.buf[n:], false }

// skip leaves out a byte that begins no frame.
func (d *ccidDecoder) skip() {
	if !d.changed {
		d.noise++
	}
	d.drop(1)
}

// gap is told when the line fell silent in the middle of a frame, which will not be finished.
func (d *ccidDecoder) gap() {
	if len(d.buf) > 0 {
		d.skip()
	}
}
