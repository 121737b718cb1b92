package envelope

import (
	"bytes"
	"encoding/json"
)

// asWritten says that a payload is the canonical form of what it was decoded into,
// the quick way: it is in canonical form, and it is what json.Marshal writes of v,
// so that Canonical, which puts that into form, would write the very same bytes.
// False says nothing; the long way then finds out what is wrong.
func asWritten(payload []byte, v any) bool {
	if readInForm(payload, v) {
		return true
	}
	if !inForm(payload) || json.Unmarshal(payload, v) != nil {
		return false // a member that v does not know is missed below
	}
	plain, err := json.Marshal(v)
	return err == nil && bytes.Equal(plain, payload)
}

// inForm says whether a text is one JSON value in canonical form: what write would
// make of it is the text itself, and scan has nothing against it.
func inForm(text []byte) bool {
	f := form{text: text}
	return f.value(0) && f.at == len(f.text)
}

// form goes through a text once.
type form struct {
	text []byte
	at   int
}

func (f *form) next(c byte) bool {
	if f.at < len(f.text) && f.text[f.at] == c {
		f.at++
		return true
	}
	return false
}

func (f *form) value(depth int) bool {
	if depth > maxDepth || f.at >= len(f.text) {
		return false
	}
	switch c := f.text[f.at]; {
	case c == '{':
		return f.object(depth)
	case c == '[':
		return f.array(depth)
	case c == '"':
		_, ok := f.string()
		return ok
	case c == '-' || (c >= '0' && c <= '9'):
		return f.integer()
	}
	return f.word("true") || f.word("false")
}

// object wants its members in order, which also leaves none twice.
func (f *form) object(depth int) bool {
	f.at++
	if f.next('}') {
		return true
	}
	var before []byte
	for first := true; ; first = false {
		name, ok := f.string()
		if !ok || !first && bytes.Compare(before, name) >= 0 || !f.next(':') || !f.value(depth+1) {
			return false
		}
		if before = name; !f.next(',') {
			return f.next('}')
		}
	}
}

func (f *form) array(depth int) bool {
	f.at++
	if f.next(']') {
		return true
	}
	for f.value(depth + 1) {
		if !f.next(',') {
			return f.next(']')
		}
	}
	return false
}

// string takes what writeString would let pass; nothing in it needs an escape.
func (f *form) string() ([]byte, bool) {
	if !f.next('"') {
		return nil, false
	}
	from := f.at
	for f.at < len(f.text) && asItIs[f.text[f.at]] {
		f.at++
	}
	if !f.next('"') {
		return nil, false
	}
	return f.text[from : f.at-1], true
}

// asItIs are the characters that stand in a string as themselves: writeString lets
// them pass.
var asItIs = func() (as [256]bool) {
	for c := range as {
		_, err := writeString(nil, string([]byte{byte(c)}))
		as[c] = err == nil
	}
	return as
}()

func (f *form) integer() bool { _, ok := f.number(); return ok }

// number takes a plain integer below 2^53 in amount, written the one way.
func (f *form) number() (int64, bool) {
	negative := f.next('-')
	from, n := f.at, int64(0)
	for ; f.at < len(f.text) && f.text[f.at] >= '0' && f.text[f.at] <= '9'; f.at++ {
		if n = n*10 + int64(f.text[f.at]-'0'); n >= maxInteger {
			return 0, false
		}
	}
	digits := f.at - from
	if digits == 0 || (digits > 1 && f.text[from] == '0') || (negative && n == 0) {
		return 0, false
	}
	if negative {
		n = -n
	}
	return n, f.at == len(f.text) || f.text[f.at] != '.' && f.text[f.at] != 'e' && f.text[f.at] != 'E'
}

func (f *form) word(w string) bool {
	if len(f.text)-f.at < len(w) || string(f.text[f.at:f.at+len(w)]) != w {
		return false
	}
	f.at += len(w)
	return true
}
