package devicesim

import "bytes"

// mposRequest is a request as it lay on the line.
type mposRequest struct {
	cmd  mposCommand
	seq  byte
	data []byte
	raw  []byte // all of it: the same bytes are the same request
}

// mposScan looks for the first request in b and returns what is left behind it. While one is incomplete, left
// begins with its STX. What is damaged has everything in its place and a wrong LRC; left then begins one byte
// behind its STX.
func mposScan(b []byte) (r mposRequest, what find, left []byte) {
	for {
		at := bytes.IndexByte(b, 0x02)
		if at < 0 {
			return mposRequest{}, needMore, nil
		}
		b = b[at:]
		size, possible := mposSize(b)
		switch {
		case !possible:
			b = b[1:]
		case len(b) < size:
			return mposRequest{}, needMore, b
		case b[size-2] != 0x03:
			b = b[1:]
		default:
			r = mposRequest{mposCommand(b[3])<<8 | mposCommand(b[4]), b[6], bytes.Clone(b[7 : size-2]), bytes.Clone(b[:size])}
			if lrc(b[1:size-1]) != b[size-1] {
				return r, damaged, b[1:]
			}
			return r, found, b[size:]
		}
	}
}

// mposSize is how long the frame at b[0] is, at least; false if there can be none.
func mposSize(b []byte) (int, bool) {
	if len(b) < 7 {
		return mposShortest + mposAround, true
	}
	n, ok := readBCD(b[1], b[2])
	return n + mposAround, ok && n >= mposShortest && n <= mposLongest && b[5] == mposMark && b[6] != 0
}

// mposAnswer is the answer to a request as it goes on the line.
func mposAnswer(r mposRequest, rc mposResult, data []byte) []byte {
	return mposFrame(r.cmd, after(r.seq), append([]byte(rc), data...))
}

// mposFrame is a frame of either end.
func mposFrame(cmd mposCommand, seq byte, data []byte) []byte {
	out := appendBCD([]byte{0x02}, mposShortest+len(data))
	out = append(out, byte(cmd>>8), byte(cmd), mposMark, seq)
	out = append(append(out, data...), 0x03)
	return append(out, lrc(out[1:]))
}

// after is the SEQ that answers one: 1..255 in a ring.
func after(seq byte) byte {
	if seq == 0xFF {
		return 1
	}
	return seq + 1
}

func lrc(b []byte) (sum byte) {
	for _, v := range b {
		sum ^= v
	}
	return sum
}

// readBCD reads four packed decimal digits.
func readBCD(high, low byte) (n int, ok bool) {
	for _, digit := range [...]byte{high >> 4, high & 0xF, low >> 4, low & 0xF} {
		if digit > 9 {
			return 0, false
		}
		n = 10*n + int(digit)
	}
	return n, true
}

// appendBCD writes n, 0..9999, in four packed decimal digits.
func appendBCD(b []byte, n int) []byte {
	return append(b, byte(n/1000<<4|n/100%10), byte(n/10%10<<4|n%10))
}

// appendLL writes x behind its length.
func appendLL(b, x []byte) []byte { return append(appendBCD(b, len(x)), x...) }

// mposFields takes a request's data apart, from the front. After the first thing that is not there it is bad, and
// gives zeros.
type mposFields struct {
	b   []byte
	bad bool
}

func (f *mposFields) take(n int) []byte {
	if f.bad || len(f.b) < n {
		f.bad = true
		return make([]byte, n)
	}
	taken := f.b[:n]
	f.b = f.b[n:]
	return taken
}

func (f *mposFields) u8() byte { return f.take(1)[0] }

func (f *mposFields) bcd() int {
	digits := f.take(2)
	n, ok := readBCD(digits[0], digits[1])
	if !ok {
		f.bad = true
	}
	return n
}

func (f *mposFields) ll() []byte {
	n := f.bcd()
	if f.bad {
		return nil
	}
	return f.take(n)
}

// whole tells that everything was there and nothing is left over.
func (f *mposFields) whole() bool { return !f.bad && len(f.b) == 0 }
