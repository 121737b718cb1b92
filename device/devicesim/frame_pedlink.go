package devicesim

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

const (
	headLen = 6
	tailLen = 5
)

var crc32c = crc32.MakeTable(crc32.Castagnoli)

type frame struct {
	typ  frameType
	seq  byte
	arg  uint16 // of a short frame
	body []byte // of a long frame
}

func (t frameType) long() bool  { return t == tCMD || t == tRSP || t == tEVT }
func (t frameType) short() bool { return t >= tACK && t <= tRSTACK }

// bytes is the frame on the line.
func (f frame) bytes() []byte {
	n := f.arg
	if f.typ.long() {
		n = uint16(len(f.body))
	}
	out := []byte{0x02, byte(f.typ), f.seq, byte(n >> 8), byte(n)}
	out = append(out, headerSum(out[1:]))
	if !f.typ.long() {
		return out
	}
	out = append(append(out, f.body...), 0x03)
	return binary.BigEndian.AppendUint32(out, crc32.Checksum(out[1:], crc32c))
}

// headerSums is CRC-8 with polynomial 07, one entry a byte value.
var headerSums = func() (table [256]byte) {
	for i := range table {
		sum := byte(i)
		for range 8 {
			sum = sum<<1 ^ sum>>7*0x07
		}
		table[i] = sum
	}
	return table
}()

func headerSum(b []byte) (sum byte) {
	for _, v := range b {
		sum = headerSums[sum^v]
	}
	return sum
}

type find int

const (
	needMore find = iota
	found
	damaged // header sound, payload not
)

// scan looks for the first frame in b and returns what is left behind it. While a frame is incomplete,
// left begins with its STX. After damage left begins one byte behind the STX.
func scan(b []byte) (f frame, what find, left []byte) {
	for {
		at := bytes.IndexByte(b, 0x02)
		if at < 0 {
			return frame{}, needMore, nil
		}
		b = b[at:]
		if len(b) < headLen {
			return frame{}, needMore, b
		}
		if f, what, left = frameAt(b); what != needMore || left != nil {
			return f, what, left
		}
		b = b[1:]
	}
}

// frameAt reads the frame that begins at b[0]; needMore without anything left means that there is none.
func frameAt(b []byte) (frame, find, []byte) {
	f := frame{typ: frameType(b[1]), seq: b[2], arg: binary.BigEndian.Uint16(b[3:])}
	if headerSum(b[1:5]) != b[5] {
		return frame{}, needMore, nil
	}
	if f.typ.short() {
		return f, found, b[headLen:]
	}
	if !f.typ.long() || f.arg > maxPayload {
		return frame{}, needMore, nil
	}
	end := headLen + int(f.arg)
	if len(b) < end+tailLen {
		return frame{}, needMore, b
	}
	if b[end] != 0x03 || crc32.Checksum(b[1:end+1], crc32c) != binary.BigEndian.Uint32(b[end+1:]) {
		return frame{typ: f.typ, seq: f.seq}, damaged, b[1:]
	}
	f.body, f.arg = bytes.Clone(b[headLen:end]), 0
	return f, found, b[end+tailLen:]
}
