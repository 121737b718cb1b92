package devicesim

import "encoding/binary"

// body builds the fields of a payload.
type body []byte

func (b body) put(t tag, value []byte) body {
	b = append(b, byte(t), byte(len(value)>>8), byte(len(value)))
	return append(b, value...)
}

func (b body) put8(t tag, v byte) body { return b.put(t, []byte{v}) }

func (b body) put16(t tag, v uint16) body { return b.put(t, binary.BigEndian.AppendUint16(nil, v)) }

func (b body) put32(t tag, v uint32) body { return b.put(t, binary.BigEndian.AppendUint32(nil, v)) }

func (b body) puts(more body) body { return append(b, more...) }

// values are the fields of a command, each tag once.
type values map[tag][]byte

// parseBody returns nil, false for anything that is not a row of fields with different tags.
func parseBody(b []byte) (values, bool) {
	v := values{}
	for len(b) > 0 {
		if len(b) < 3 {
			return nil, false
		}
		t, n := tag(b[0]), int(binary.BigEndian.Uint16(b[1:]))
		if _, twice := v[t]; twice || len(b) < 3+n {
			return nil, false
		}
		v[t] = b[3 : 3+n]
		b = b[3+n:]
	}
	return v, true
}

// has reports whether each of the fields is there with its size.
func (v values) has(sizes map[tag]int) bool {
	for t, n := range sizes {
		if value, there := v[t]; !there || len(value) != n {
			return false
		}
	}
	return true
}

func (v values) u16(t tag) uint16 { return binary.BigEndian.Uint16(v[t]) }

func (v values) u32(t tag) uint32 { return binary.BigEndian.Uint32(v[t]) }

// lengthPrefixed joins fields the way everything signed or hashed is joined: u16 length before each.
func lengthPrefixed(parts ...[]byte) []byte {
	var m []byte
	for _, p := range parts {
		m = binary.BigEndian.AppendUint16(m, uint16(len(p)))
		m = append(m, p...)
	}
	return m
}

// unprefixed undoes lengthPrefixed; nil if m is not of that form.
func unprefixed(m []byte) [][]byte {
	var parts [][]byte
	for len(m) > 0 {
		if len(m) < 2 || len(m) < 2+int(binary.BigEndian.Uint16(m)) {
			return nil
		}
		end := 2 + int(binary.BigEndian.Uint16(m))
		parts = append(parts, m[2:end])
		m = m[end:]
	}
	return parts
}
