package ledger

import (
	"slices"
	"strconv"
)

// scanner walks canonical JSON of strings, integers and objects. It knows no
// white space, no escapes and no other spelling of a number, because canonical
// bytes have none.
//
// Its input is one string, so that every text it finds is a piece of that
// string and costs nothing.
type scanner struct {
	s string
	i int
}

func (s *scanner) peek() byte {
	if s.i >= len(s.s) {
		return 0
	}
	return s.s[s.i]
}

func (s *scanner) take(c byte) bool {
	if s.peek() != c || s.i >= len(s.s) {
		return false
	}
	s.i++
	return true
}

// object reads one object and hands every member's name to member, which reads
// the value. Names must rise; one that was seen before is a duplicate.
func (s *scanner) object(member func(name string) error) error {
	if !s.take('{') {
		return refuse("not-canonical")
	}
	if s.take('}') {
		return nil
	}
	seen := make([]string, 0, len(memberNames))
	for len(seen) == 0 || s.take(',') {
		name, ok, canonical := s.text()
		if !ok || !canonical {
			return refuse("not-canonical")
		}
		if slices.Contains(seen, name) {
			return refuse("duplicate-member")
		}
		if !s.take(':') || len(seen) > 0 && name < seen[len(seen)-1] {
			return refuse("not-canonical")
		}
		seen = append(seen, name)
		if err := member(name); err != nil {
			return err
		}
	}
	if !s.take('}') {
		return refuse("not-canonical")
	}
	return nil
}

// text reads a string. ok is false if something else stands here; canonical is
// false if it begins as a string and is not one in canonical spelling.
func (s *scanner) text() (text string, ok, canonical bool) {
	if !s.take('"') {
		return "", false, s.isValue()
	}
	start := s.i
	for s.i < len(s.s) && isPlain(s.s[s.i]) {
		s.i++
	}
	text = s.s[start:s.i]
	return text, true, s.take('"')
}

// integer reads a number; ok is false if something else stands here or if it
// does not fit 64 bits, canonical as in text.
func (s *scanner) integer() (n int64, ok, canonical bool) {
	start := s.i
	s.take('-')
	digits := s.i
	for s.peek() >= '0' && s.peek() <= '9' {
		s.i++
	}
	if s.i == digits {
		return 0, false, s.i == start && s.isValue()
	}
	literal := s.s[start:s.i]
	if s.s[digits] == '0' && (s.i > digits+1 || digits > start) {
		return 0, false, false
	}
	if c := s.peek(); c != ',' && c != '}' {
		return 0, false, false
	}
	n, err := strconv.ParseInt(literal, 10, 64)
	return n, err == nil, true
}

// isValue reports whether some JSON value of another type begins here.
func (s *scanner) isValue() bool {
	switch c := s.peek(); {
	case c >= '0' && c <= '9', c == '-', c == '"', c == '{':
		return true
	}
	return false
}

// isPlain is the alphabet of canonical strings: printable ASCII without what
// any JSON or HTML writer might escape.
func isPlain(c byte) bool {
	switch c {
	case '"', '\\', '<', '>', '&':
		return false
	}
	return c >= 0x20 && c <= 0x7e
}
