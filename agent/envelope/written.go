package envelope

import (
	"bytes"
	"encoding/base64"
)

// strictly takes no bits that an encoder would not write. What it takes has, where
// no line ends stand in it, only one spelling.
var strictly = base64.StdEncoding.Strict()

// written reads an envelope that is, byte for byte, what Encode writes, in one pass:
// then it has no member twice, no other name for one, and nothing behind it. It
// returns nil for any other, good or bad, which the long way then judges.
func written(text []byte) *Envelope {
	f := form{text: text}
	e := &Envelope{}
	payload, ok := f.long(`{"payload":`)
	kind, ok2 := f.member(`,"payloadType":`)
	if !ok || !ok2 || !f.word(`,"signatures":[`) {
		return nil
	}
	e.PayloadType = string(kind)
	if e.Payload, ok = exactly(payload); !ok {
		return nil // which leaves nothing in it that stands in a string otherwise
	}
	for first := true; !f.next(']'); first = false {
		if !first && !f.next(',') || len(e.Signatures) == MaxSignatures {
			return nil
		}
		id, ok := f.member(`{"keyid":`)
		text, ok2 := f.member(`,"sig":`)
		sig, ok3 := exactly(text)
		if !ok || !ok2 || !ok3 || !f.next('}') || !keyIDForm(string(id)) {
			return nil
		}
		e.Signatures = append(e.Signatures, Signature{KeyID: KeyID(id), Sig: sig})
	}
	if !f.next('}') || f.at != len(text) {
		return nil
	}
	return e
}

// member takes a name and the plain string behind it.
func (f *form) member(name string) ([]byte, bool) {
	if !f.word(name) {
		return nil, false
	}
	return f.string()
}

// long takes a name and the string behind it up to the next quote, for who looks at each
// character of it: it may hold anything but line ends.
func (f *form) long(name string) ([]byte, bool) {
	if !f.word(name) || !f.next('"') {
		return nil, false
	}
	text := f.text[f.at:]
	end := bytes.IndexByte(text, '"')
	if end < 0 || bytes.IndexByte(text[:end], '\n') >= 0 || bytes.IndexByte(text[:end], '\r') >= 0 {
		return nil, false
	}
	f.at += end + 1
	return text[:end], true
}

// exactly reads base64 that was spelled the one way. There can be no line ends in the
// string, which the decoder would pass over.
func exactly(text []byte) ([]byte, bool) {
	out := make([]byte, strictly.DecodedLen(len(text)))
	n, err := strictly.Decode(out, text)
	return out[:n], err == nil
}

// write is marshal for what needs no escape; nearly everything does not.
func (e *Envelope) write() (out []byte, ok bool) {
	size := 64 + base64.StdEncoding.EncodedLen(len(e.Payload)) + len(e.PayloadType) + 160*len(e.Signatures)
	out = append(make([]byte, 0, size), `{"payload":"`...)
	out = append(base64.StdEncoding.AppendEncode(out, e.Payload), `","payloadType":`...)
	out, err := writeString(out, e.PayloadType)
	if err != nil {
		return nil, false
	}
	out = append(out, `,"signatures":[`...)
	for i, s := range e.Signatures {
		if !keyIDForm(string(s.KeyID)) {
			return nil, false
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, `{"keyid":"`...), s.KeyID...), `","sig":"`...)
		out = append(base64.StdEncoding.AppendEncode(out, s.Sig), `"}`...)
	}
	return append(out, "]}"...), true
}
