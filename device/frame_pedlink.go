package device

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Frame layout of pedlink/1 (docs/WIRE-READER.md section 2):
//
//	STX TYP SEQ LEN(2) HCS                        short: LEN is an argument
//	STX TYP SEQ LEN(2) HCS payload ETX CRC32C(4)  long
const (
	stx          = 0x02
	etx          = 0x03
	headerLen    = 6
	trailerLen   = 5
	longestFrame = headerLen + maxPayload + trailerLen
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type frame struct {
	typ     byte
	seq     byte
	arg     uint16 // short frames only
	payload []byte // long frames only
}

// isLong tells the frames with a payload from acknowledgements and resets.
func isLong(typ byte) bool { return typ == typCommand || typ == typResponse || typ == typEvent }

func isShort(typ byte) bool { return typ >= typAck && typ <= typResetAck }

// encode returns the bytes for the line; a payload over the limit is an error.
func (f frame) encode() ([]byte, error) {
	if !isLong(f.typ) {
		return appendHeader(nil, f.typ, f.seq, f.arg), nil
	}
	if len(f.payload) > maxPayload {
		return nil, fmt.Errorf("cannot send %d bytes: the limit of a frame is %d", len(f.payload), maxPayload)
	}
	b := make([]byte, 0, headerLen+len(f.payload)+trailerLen)
	b = appendHeader(b, f.typ, f.seq, uint16(len(f.payload)))
	b = append(b, f.payload...)
	b = append(b, etx)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[1:], castagnoli)), nil
}

func appendHeader(b []byte, typ, seq byte, length uint16) []byte {
	b = append(b, stx, typ, seq, byte(length>>8), byte(length))
	return append(b, crc8(b[len(b)-4:]))
}

// crc8 is CRC-8 with polynomial 07, initial value 0, no reflection.
func crc8(b []byte) byte {
	var crc byte
	for _, v := range b {
		crc ^= v
		for range 8 {
			if crc&0x80 != 0 {
				crc = crc<<1 ^ 0x07
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}

// decoder finds frames in what the line delivers, however it was cut up, and after damage
// looks for the next frame one byte further on, so that no good frame is thrown away with a bad one.
type decoder struct {
	buf []byte
}

type verdict int

const (
	incomplete verdict = iota // more bytes are needed
	whole                     // a frame
	spoiled                   // a sound header with a payload that is not: worth a NAK
)

func (d *decoder) feed(b []byte) { d.buf = append(d.buf, b...) }

// next takes the next frame out; its payload is valid until the next feed. After spoiled only typ and seq are set.
func (d *decoder) next() (frame, verdict) {
	for {
		start := bytes.IndexByte(d.buf, stx)
		if start < 0 {
			d.buf = d.buf[:0]
			return frame{}, incomplete
		}
		d.buf = d.buf[start:]
		if len(d.buf) < headerLen {
			return frame{}, incomplete
		}
		f, length, ok := parseHeader(d.buf)
		if !ok {
			d.buf = d.buf[1:]
			continue
		}
		if len(d.buf) < length {
			return frame{}, incomplete
		}
		return d.take(f, length)
	}
}

func (d *decoder) take(f frame, length int) (frame, verdict) {
	if !isLong(f.typ) {
		d.buf = d.buf[length:]
		return f, whole
	}
	raw := d.buf[:length]
	sum := binary.BigEndian.Uint32(raw[length-4:])
	if raw[length-trailerLen] != etx || crc32.Checksum(raw[1:length-4], castagnoli) != sum {
		d.buf = d.buf[1:]
		return frame{typ: f.typ, seq: f.seq}, spoiled
	}
	f.payload = raw[headerLen : length-trailerLen]
	d.buf = d.buf[length:]
	return f, whole
}

// parseHeader returns the frame's head and the length of the whole frame.
func parseHeader(b []byte) (f frame, length int, ok bool) {
	if crc8(b[1:headerLen-1]) != b[headerLen-1] {
		return frame{}, 0, false
	}
	n := binary.BigEndian.Uint16(b[3:5])
	f = frame{typ: b[1], seq: b[2]}
	switch {
	case isShort(f.typ):
		f.arg = n
		return f, headerLen, true
	case isLong(f.typ) && n <= maxPayload:
		return f, headerLen + int(n) + trailerLen, true
	}
	return frame{}, 0, false
}

// pending reports whether part of a frame waits for its rest.
func (d *decoder) pending() bool { return len(d.buf) > 0 }

// gap is told when the line fell silent in the middle of a frame: that frame will not be finished,
// but the bytes behind its STX may hold others.
func (d *decoder) gap() {
	if len(d.buf) > 0 {
		d.buf = d.buf[1:]
	}
}
