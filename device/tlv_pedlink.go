package device

import (
	"encoding/binary"
	"fmt"
)

// field is one tag-length-value of a payload: T(1) L(2, big endian) V.
type field struct {
	tag   byte
	value []byte
}

func appendField(b []byte, tag byte, value []byte) []byte {
	b = append(b, tag)
	b = binary.BigEndian.AppendUint16(b, uint16(len(value)))
	return append(b, value...)
}

func appendField16(b []byte, tag byte, v uint16) []byte {
	return appendField(b, tag, binary.BigEndian.AppendUint16(nil, v))
}

func appendField32(b []byte, tag byte, v uint32) []byte {
	return appendField(b, tag, binary.BigEndian.AppendUint32(nil, v))
}

// fields reads the values of a payload; the first thing that is missing or has the wrong size stays in err,
// so that a parser reads straight down and asks once.
type fields struct {
	list []field
	err  error
}

// parseFields splits a payload. Unknown tags are kept and ignored; a tag that comes twice is damage,
// except the entries of a list.
func parseFields(b []byte) *fields {
	f := &fields{}
	seen := [256]bool{}
	for len(b) > 0 {
		if len(b) < 3 || len(b)-3 < int(binary.BigEndian.Uint16(b[1:3])) {
			f.err = fmt.Errorf("%w: field is cut short", errDamaged)
			return f
		}
		tag, end := b[0], 3+int(binary.BigEndian.Uint16(b[1:3]))
		if seen[tag] && tag != tagKeyEntry {
			f.err = fmt.Errorf("%w: field %02X comes twice", errDamaged, tag)
			return f
		}
		seen[tag] = true
		f.list = append(f.list, field{tag, b[3:end]})
		b = b[end:]
	}
	return f
}

func (f *fields) fail(tag byte, why string) {
	if f.err == nil {
		f.err = fmt.Errorf("%w: field %02X %s", errDamaged, tag, why)
	}
}

func (f *fields) optional(tag byte) []byte {
	for _, x := range f.list {
		if x.tag == tag {
			return x.value
		}
	}
	return nil
}

func (f *fields) all(tag byte) [][]byte {
	var values [][]byte
	for _, x := range f.list {
		if x.tag == tag {
			values = append(values, x.value)
		}
	}
	return values
}

// fixed returns n bytes, zeros if the field is not as it should be.
func (f *fields) fixed(tag byte, n int) []byte {
	v := f.optional(tag)
	if len(v) != n {
		f.fail(tag, fmt.Sprintf("has %d bytes instead of %d", len(v), n))
		return make([]byte, n)
	}
	return v
}

func (f *fields) u8(tag byte) byte { return f.fixed(tag, 1)[0] }

func (f *fields) u16(tag byte) uint16 { return binary.BigEndian.Uint16(f.fixed(tag, 2)) }

func (f *fields) u32(tag byte) uint32 { return binary.BigEndian.Uint32(f.fixed(tag, 4)) }

// later32 is a number that readers of the first revision do not tell: 0.
func (f *fields) later32(tag byte) uint32 {
	if f.optional(tag) == nil {
		return 0
	}
	return f.u32(tag)
}

// id returns a name of the class [A-Za-z0-9._:/@+-]{1,64}; anything else could carry text into logs.
func (f *fields) id(tag byte) string {
	v := f.optional(tag)
	if !isID(v) {
		f.fail(tag, "is no name")
		return ""
	}
	return string(v)
}

// name looks a code up in one of the tables of codes.go.
func (f *fields) name(tag byte, table map[byte]string) string {
	name, known := table[f.u8(tag)]
	if !known {
		f.fail(tag, "has an unknown value")
	}
	return name
}

func isID(b []byte) bool {
	if len(b) < 1 || len(b) > 64 {
		return false
	}
	for _, c := range b {
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		case c == '.', c == '_', c == ':', c == '/', c == '@', c == '+', c == '-':
		default:
			return false
		}
	}
	return true
}
