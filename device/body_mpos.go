package device

import "fmt"

// appendLL writes a field of an mpos body: its length in two bytes BCD, then its bytes.
func appendLL(b, field []byte) []byte {
	return append(appendBCD(b, len(field)), field...)
}

// mposBody reads the fields of an answer from left to right. The first thing that is wrong stays in err, so that a
// parser reads straight down and asks once. What a newer reader adds at the end is left unread.
type mposBody struct {
	rest []byte
	err  error
}

func (b *mposBody) fail(why string) {
	if b.err == nil {
		b.err = fmt.Errorf("%w: %s", errDamaged, why)
	}
}

// fixed takes n bytes, zeros if there are fewer.
func (b *mposBody) fixed(n int) []byte {
	if len(b.rest) < n {
		b.fail("answer is cut short")
		b.rest = nil
		return make([]byte, n)
	}
	field := b.rest[:n]
	b.rest = b.rest[n:]
	return field
}

func (b *mposBody) ll() []byte {
	n, ok := readBCD(b.fixed(2))
	if !ok {
		b.fail("length of a field is no decimal number")
	}
	if b.err != nil {
		return nil
	}
	return b.fixed(n)
}

// exactly takes a field that must have n bytes.
func (b *mposBody) exactly(n int) []byte {
	field := b.ll()
	if len(field) != n {
		b.fail(fmt.Sprintf("field has %d bytes instead of %d", len(field), n))
		return make([]byte, n)
	}
	return field
}

// id takes a name of the class [A-Za-z0-9._:/@+-]{1,64}; anything else could carry text into logs.
func (b *mposBody) id() string {
	field := b.ll()
	if !isID(field) {
		b.fail("field is no name")
		return ""
	}
	return string(field)
}

// result takes the second result of an answer about a key.
func (b *mposBody) result() error {
	result := b.fixed(2)
	if b.err != nil {
		return b.err
	}
	if !isMposResult(result) {
		b.fail("second result is no result")
		return b.err
	}
	return mposRefusal(string(result))
}
