package devicesim

import "encoding/binary"

// A span tells how many bytes the frame at b[0] has, by its head alone: 0, the head is not complete; 1, no frame begins
// here. The line needs no more than that to lose a frame or to double it, and it knows it of every protocol.
var spans = map[string]func(b []byte) int{"pedlink": spanPedlink, "mpos": spanMpos, "ccid": ccidSpan}

func spanPedlink(b []byte) int {
	switch typ := frameType(0); {
	case b[0] != 0x02:
		return 1
	case len(b) < headLen:
		return 0
	default:
		typ = frameType(b[1])
		n := int(binary.BigEndian.Uint16(b[3:]))
		if headerSum(b[1:5]) != b[5] || !typ.short() && (!typ.long() || n > maxPayload) {
			return 1
		}
		if typ.short() {
			return headLen
		}
		return headLen + n + tailLen
	}
}

// spanMpos believes a head as the reader does: a reset of another protocol also begins with 02, and must not take the
// request behind it along.
func spanMpos(b []byte) int {
	if b[0] != 0x02 {
		return 1
	}
	if len(b) < 3 {
		return 0
	}
	n, ok := readBCD(b[1], b[2])
	switch {
	case !ok || n < mposShortest || n > mposLongest:
		return 1
	case len(b) > 5 && b[5] != mposMark || len(b) > 6 && b[6] == 0:
		return 1
	case len(b) < 7:
		return 0
	}
	return n + mposAround
}
