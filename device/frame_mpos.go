package device

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Frame layout of mpos (docs/WIRE-MPOS.md section 2):
//
//	STX LEN(2 BCD) CMD(2) 2F SEQ data ETX LRC
//
// LEN counts CMD to data; LRC is the XOR of LEN to ETX. It misses most swaps of two neighbours and one in ten
// double bit errors, so what rests on an answer is asked more than once.
const (
	mposSeparator = 0x2F
	mposHeadLen   = 7 // STX to SEQ
	mposCounted   = 4 // CMD to SEQ
	mposMaxLen    = 1024
	mposLongest   = 3 + mposMaxLen + 2
)

// mposFrame is a request, or an answer: then data begins with the result.
type mposFrame struct {
	cmd  uint16
	seq  byte // 1 to 255
	data []byte
}

// encode returns the bytes for the line; data over the limit is an error.
func (f mposFrame) encode() ([]byte, error) {
	n := mposCounted + len(f.data)
	if n > mposMaxLen {
		return nil, fmt.Errorf("cannot send %d bytes: the limit of an mpos frame is %d", len(f.data), mposMaxLen-mposCounted)
	}
	b := make([]byte, 0, 3+n+2)
	b = appendBCD(append(b, stx), n)
	b = binary.BigEndian.AppendUint16(b, f.cmd)
	b = append(b, mposSeparator, f.seq)
	b = append(b, f.data...)
	b = append(b, etx)
	return append(b, lrc(b[1:])), nil
}

// appendBCD writes 0 to 9999 as four decimal digits in two bytes.
func appendBCD(b []byte, n int) []byte {
	return append(b, byte(n/1000<<4|n/100%10), byte(n/10%10<<4|n%10))
}

// readBCD reads what appendBCD writes; false: one of the four is no digit.
func readBCD(b []byte) (n int, ok bool) {
	for _, c := range b[:2] {
		if c>>4 > 9 || c&0x0F > 9 {
			return 0, false
		}
		n = n*100 + int(c>>4)*10 + int(c&0x0F)
	}
	return n, true
}

// lrc is the check byte of mpos, serial CCID and T=1.
func lrc(b []byte) (sum byte) {
	for _, c := range b {
		sum ^= c
	}
	return sum
}

// mposDecoder finds frames in what the line delivers, however it was cut up, and after damage looks for the next
// one a byte further on.
type mposDecoder struct {
	buf     []byte
	damaged uint64 // sound heads whose frames were not
}

func (d *mposDecoder) feed(b []byte) { d.buf = append(d.buf, b...) }

// next takes the next frame out; its data is valid until the next feed. Damage is passed over without a word:
// mpos knows no negative acknowledgement, the host asks again.
func (d *mposDecoder) next() (mposFrame, bool) {
	for {
		start := bytes.IndexByte(d.buf, stx)
		if start < 0 {
			d.buf = d.buf[:0]
			return mposFrame{}, false
		}
		d.buf = d.buf[start:]
		if len(d.buf) < mposHeadLen {
			return mposFrame{}, false
		}
		length, sound := mposLength(d.buf)
		if sound && len(d.buf) < length {
			return mposFrame{}, false
		}
		if sound && isWholeMpos(d.buf[:length]) {
			return d.take(length), true
		}
		if sound {
			d.damaged++
		}
		d.buf = d.buf[1:]
	}
}

// mposLength is the length of the whole frame that a head promises.
func mposLength(head []byte) (length int, sound bool) {
	n, digits := readBCD(head[1:])
	sound = digits && n >= mposCounted && n <= mposMaxLen && head[5] == mposSeparator && head[6] != 0
	return 3 + n + 2, sound
}

func isWholeMpos(raw []byte) bool {
	end := len(raw) - 1
	return raw[end-1] == etx && lrc(raw[1:end]) == raw[end]
}

func (d *mposDecoder) take(length int) mposFrame {
	raw := d.buf[:length]
	d.buf = d.buf[length:]
	return mposFrame{cmd: binary.BigEndian.Uint16(raw[3:5]), seq: raw[6], data: raw[mposHeadLen : length-2]}
}

// pending reports whether part of a frame waits for its rest.
func (d *mposDecoder) pending() bool { return len(d.buf) > 0 }

// gap is told when the line fell silent in the middle of a frame: the bytes behind its STX may hold others.
func (d *mposDecoder) gap() {
	if len(d.buf) > 0 {
		d.buf = d.buf[1:]
	}
}
