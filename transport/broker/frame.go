package broker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// maxBody is the most bytes of a question or an answer, all parts together.
const maxBody = 4 << 20

// overhead is what a message may hold beside its part of the body: certificates,
// signature, header.
const overhead = 8 << 10

// answersMost is the most bytes of answers that are not whole yet, with what keeping them costs.
const answersMost = maxBody + 64<<10

// leastMessage is the shortest message that is worth an envelope.
const leastMessage = 2 * overhead

// Question is one request to the desk.
type Question struct {
	Method string
	Path   string
	Header http.Header
	Body   []byte
}

// Answer is what came back.
type Answer struct {
	Code   int
	Header http.Header
	Body   []byte
}

// head is the first line of a message; the rest of it is a part of the body.
// Every part of one question or answer has the same head but for Part and Own.
type head struct {
	Cert   [][]byte          `json:"cert,omitempty"` // DER, the speaker's own first
	Code   int               `json:"code,omitempty"`
	Header map[string]string `json:"header,omitempty"`
	ID     string            `json:"id"`
	Method string            `json:"method,omitempty"`
	Own    []byte            `json:"own,omitempty"` // signature of this part, where there are several
	Part   int               `json:"part"`          // from 1
	Parts  int               `json:"parts"`
	Path   string            `json:"path,omitempty"`
	Sig    []byte            `json:"sig,omitempty"`
	V      int               `json:"v"`
}

// messages cuts a body into messages of at most size bytes. own signs each of
// several, so that nobody's part is kept beside the speaker's; nil where nobody signs.
func messages(h head, body []byte, size int, own func(h head, piece []byte) ([]byte, error)) ([][]byte, error) {
	room := max(size, leastMessage) - overhead
	h.V, h.Parts = 1, max(1, (len(body)+room-1)/room)
	var all [][]byte
	for h.Part = 1; h.Part <= h.Parts; h.Part++ {
		piece := body[min((h.Part-1)*room, len(body)):min(h.Part*room, len(body))]
		if own != nil && h.Parts > 1 {
			var err error
			if h.Own, err = own(h, piece); err != nil {
				return nil, fmt.Errorf("cannot sign a part of a message: %w", err)
			}
		}
		first, err := json.Marshal(h)
		if err != nil {
			return nil, fmt.Errorf("cannot write a message: %w", err)
		}
		if len(first) > overhead {
			return nil, errors.New("cannot write a message: what goes before its body is too long")
		}
		all = append(all, append(append(first, '\n'), piece...))
	}
	return all, nil
}

// parse reads one message.
func parse(payload []byte) (head, []byte, error) {
	first, body, found := bytes.Cut(payload, []byte{'\n'})
	var h head
	if !found || len(first) > overhead {
		return h, nil, errors.New("cannot read a message: it has no first line")
	}
	dec := json.NewDecoder(bytes.NewReader(first))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&h); err != nil {
		return h, nil, fmt.Errorf("cannot read a message: %w", err)
	}
	if h.V != 1 || len(h.ID) != 2*idSize || h.Part < 1 || h.Part > h.Parts || h.Parts > maxBody/(leastMessage-overhead)+1 {
		return h, nil, errors.New("cannot read a message: its version, id or parts cannot be")
	}
	return h, body, nil
}
