package envelope

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// The reasons a text is not what we would have written; they become the detail
// of E02 and E06.
const (
	detailDuplicate = "duplicate-member"
	detailTrailing  = "trailing-bytes"
	detailUnknown   = "unknown-member"
	detailSyntax    = "syntax"
	detailClass     = "wrong-class"
	detailForm      = "not-canonical"
)

// maxDepth bounds nesting, so that a hostile text cannot grow the stack.
const maxDepth = 16

// scan reads one JSON value and refuses duplicate members (also those that
// differ only by an escape), anything after the value and deep nesting. It
// returns the detail of a refusal, or "" and nil.
func scan(text []byte) (string, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if detail, err := scanValue(dec, 0); err != nil {
		return detail, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return detailTrailing, errors.New("there are bytes after the object")
	}
	return "", nil
}

func scanValue(dec *json.Decoder, depth int) (string, error) {
	if depth > maxDepth {
		return detailSyntax, fmt.Errorf("it is nested deeper than %d", maxDepth)
	}
	t, err := dec.Token()
	if err != nil {
		return detailSyntax, errors.New("it is not JSON")
	}
	switch t {
	case json.Delim('{'):
		return scanObject(dec, depth)
	case json.Delim('['):
		return scanArray(dec, depth)
	}
	return "", nil
}

func scanObject(dec *json.Decoder, depth int) (string, error) {
	seen := map[string]bool{}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return detailSyntax, errors.New("it is not JSON")
		}
		name, _ := t.(string) // a member's name is always a string
		if seen[name] {
			return detailDuplicate, errors.New("a member stands in it twice")
		}
		seen[name] = true
		if detail, err := scanValue(dec, depth+1); err != nil {
			return detail, err
		}
	}
	return closing(dec)
}

func scanArray(dec *json.Decoder, depth int) (string, error) {
	for dec.More() {
		if detail, err := scanValue(dec, depth+1); err != nil {
			return detail, err
		}
	}
	return closing(dec)
}

func closing(dec *json.Decoder) (string, error) {
	if _, err := dec.Token(); err != nil {
		return detailSyntax, errors.New("it is not JSON")
	}
	return "", nil
}

// strict decodes and refuses unknown members; scan has looked for the rest.
func strict(text []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	return dec.Decode(v)
}
