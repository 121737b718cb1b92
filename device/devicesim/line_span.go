package devicesim

import "encoding/binary"

// A span tells how many bytes the frame at b[0] has, by its head alone: 0, the head is not complete; 1, no frame begins
// here. The line needs no more than that to lose a frame or to double it, and it knows it of every protocol.
var spans = map[string]func(b []byte) int{"pedlink": spanPedlink, "mpos": spanMpos, "ccid": spanCCID}

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

// spanMpos: 02, two bytes of packed BCD that count what follows up to the 03, 03, LRC.
func spanMpos(b []byte) int {
	if b[0] != 0x02 {
		return 1
	}
	if len(b) < 3 {
		return 0
	}
	n := 0
	for _, digit := range []byte{b[1] >> 4, b[1] & 15, b[2] >> 4, b[2] & 15} {
		if digit > 9 {
			return 1
		}
		n = 10*n + int(digit)
	}
	return 3 + n + 2
}

// spanCCID: 03 06, ten bytes of head with the length of the data, data, LRC; or the three bytes 03 15 16.
func spanCCID(b []byte) int {
	const head, longest = 12, 4096
	switch {
	case b[0] != 0x03:
		return 1
	case len(b) < 2:
		return 0
	case b[1] == 0x15:
		return 3
	case b[1] != 0x06:
		return 1
	case len(b) < head:
		return 0
	}
	if n := binary.LittleEndian.Uint32(b[3:]); n <= longest {
		return head + int(n) + 1
	}
	return 1
}
