package store

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strconv"

	"unbindd/agent/envelope"
)

// The records that every message of a terminal reads and writes are read and
// written without reflection: what is written is byte for byte what json.Marshal
// writes, and what is not written so is read by json.Unmarshal. The form on the
// medium is the same either way, and an older desk's too.

// writer is a record that writes itself; ok is false where something needs an
// escape, or is of no class, and json.Marshal has to say so.
type writer interface {
	text() (raw []byte, ok bool)
}

// reader is a record that reads itself; false says nothing but that it is not in
// the form that text writes.
type reader interface{ scan(raw []byte) bool }

// unread reads the quick way, and leaves nothing behind where that does not go.
func unread[T any](raw []byte, v *T) bool {
	switch v := any(v).(type) {
	case reader:
		if v.scan(raw) {
			return false
		}
	case *int64:
		s := scroll{rest: raw}
		if *v = s.number(""); !s.bad && len(s.rest) == 0 {
			return false
		}
	case *envelope.ID:
		s := scroll{rest: raw}
		if *v = s.id(""); !s.bad && len(s.rest) == 0 {
			return false
		}
	case *envelope.Digest:
		s := scroll{rest: raw}
		if *v = s.digest(""); !s.bad && len(s.rest) == 0 {
			return false
		}
	}
	*v = *new(T)
	return true
}

// written writes the quick way.
func written(v any) ([]byte, bool) {
	switch v := v.(type) {
	case writer:
		return v.text()
	case int64:
		return strconv.AppendInt(nil, v, 10), true
	case envelope.ID:
		return slices.Concat(quote, []byte(v), quote), v.Valid()
	case envelope.Digest:
		return slices.Concat(quote, []byte(v), quote), v.Valid()
	}
	return nil, false
}

var quote = []byte{'"'}

// sheet is a record on its way out.
type sheet struct {
	raw []byte
	bad bool
}

func blank(size int) *sheet { return &sheet{raw: make([]byte, 0, size)} }

func (s *sheet) done() ([]byte, bool) { return append(s.raw, '}'), !s.bad }

func (s *sheet) name(name string) { s.raw = append(s.raw, name...) }

func (s *sheet) number(name string, n int64) {
	s.name(name)
	s.raw = strconv.AppendInt(s.raw, n, 10)
}

func (s *sheet) word(name, word string) {
	s.bad = s.bad || !plain(word)
	s.name(name)
	s.raw = append(append(append(s.raw, '"'), word...), '"')
}

func (s *sheet) id(name string, id envelope.ID) {
	s.bad = s.bad || !id.Valid()
	s.word(name, string(id))
}

func (s *sheet) digest(name string, d envelope.Digest) {
	s.bad = s.bad || !d.Valid()
	s.word(name, string(d))
}

func (s *sheet) bytes(name string, b []byte) {
	s.bad = s.bad || b == nil // which is written as null
	s.name(name)
	s.raw = append(base64.StdEncoding.AppendEncode(append(s.raw, '"'), b), '"')
}

// plain says that a string is written as it stands.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c > 0x7e || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}

// scroll is a record on its way in.
type scroll struct {
	rest []byte
	bad  bool
}

func (s *scroll) done() bool { return !s.bad && len(s.rest) == 1 && s.rest[0] == '}' }

// has takes a name, if it comes next.
func (s *scroll) has(name string) bool {
	if s.bad || len(s.rest) < len(name) || string(s.rest[:len(name)]) != name {
		return false
	}
	s.rest = s.rest[len(name):]
	return true
}

func (s *scroll) name(name string) { s.bad = !s.has(name) || s.bad }

// between takes a string that needs no escape.
func (s *scroll) between(name string) []byte {
	s.name(name)
	s.name(`"`)
	end := bytes.IndexByte(s.rest, '"')
	if s.bad || end < 0 {
		s.bad = true
		return nil
	}
	text := s.rest[:end]
	s.rest = s.rest[end+1:]
	return text
}

func (s *scroll) number(name string) int64 {
	s.name(name)
	end := 0
	for end < len(s.rest) && (s.rest[end] == '-' || s.rest[end] >= '0' && s.rest[end] <= '9') {
		end++
	}
	n, err := strconv.ParseInt(string(s.rest[:end]), 10, 64)
	if s.bad || err != nil || strconv.FormatInt(n, 10) != string(s.rest[:end]) {
		s.bad = true
	}
	s.rest = s.rest[end:]
	return n
}

func (s *scroll) word(name string) string {
	word := string(s.between(name))
	s.bad = s.bad || !plain(word)
	return word
}

func (s *scroll) id(name string) envelope.ID {
	id := envelope.ID(s.between(name))
	s.bad = s.bad || !id.Valid()
	return id
}

func (s *scroll) digest(name string) envelope.Digest {
	d := envelope.Digest(s.between(name))
	s.bad = s.bad || !d.Valid()
	return d
}

var strictly = base64.StdEncoding.Strict()

func (s *scroll) bytes(name string) []byte {
	text := s.between(name)
	out := make([]byte, strictly.DecodedLen(len(text)))
	n, err := strictly.Decode(out, text)
	s.bad = s.bad || err != nil || strictly.EncodedLen(n) != len(text) // it passes over line ends
	return out[:n]
}

// pass goes over bytes that nobody asks for.
func (s *scroll) pass(name string) { s.between(name) }
