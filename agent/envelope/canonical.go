package envelope

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// maxInteger keeps every number exact in software that reads JSON numbers as
// doubles (jq among them): 2^53.
const maxInteger = 1 << 53

// Canonical encodes v as RFC 8785 by restriction: members in alphabetical
// order, no white space, integers below 2^53 in amount, printable ASCII strings
// without " \ < > &, no null.
func Canonical(v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err == nil && !inForm(plain) { // which it is where the members of v stand in order
		plain, err = inOrder(plain)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot encode %T: %w", v, err)
	}
	return plain, nil
}

// inOrder puts a JSON text into canonical form.
func inOrder(plain []byte) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(plain))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return nil, err
	}
	return write(nil, tree)
}

func write(out []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case map[string]any:
		return writeObject(out, v)
	case []any:
		return writeArray(out, v)
	case string:
		return writeString(out, v)
	case json.Number:
		return writeInteger(out, v)
	case bool:
		return strconv.AppendBool(out, v), nil
	}
	return nil, errors.New("null has no place in it")
}

func writeObject(out []byte, object map[string]any) ([]byte, error) {
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	out = append(out, '{')
	for i, name := range names {
		if i > 0 {
			out = append(out, ',')
		}
		var err error
		if out, err = writeString(out, name); err != nil {
			return nil, err
		}
		if out, err = write(append(out, ':'), object[name]); err != nil {
			return nil, err
		}
	}
	return append(out, '}'), nil
}

func writeArray(out []byte, array []any) ([]byte, error) {
	out = append(out, '[')
	for i, v := range array {
		if i > 0 {
			out = append(out, ',')
		}
		var err error
		if out, err = write(out, v); err != nil {
			return nil, err
		}
	}
	return append(out, ']'), nil
}

func writeString(out []byte, s string) ([]byte, error) {
	for i := range len(s) {
		c := s[i]
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return nil, errors.New("a string holds a character that is not allowed")
		}
	}
	out = append(out, '"')
	out = append(out, s...)
	return append(out, '"'), nil
}

func writeInteger(out []byte, n json.Number) ([]byte, error) {
	i, err := n.Int64()
	if err != nil || i >= maxInteger || i <= -maxInteger || n.String() != strconv.FormatInt(i, 10) {
		return nil, errors.New("a number is not a plain integer below 2^53")
	}
	return append(out, n...), nil
}

// Decode reads a canonical payload into v. Anything that would not be written
// back as the same bytes is refused with E06 and a detail that tells which.
func Decode(payload []byte, v any) error {
	if asWritten(payload, v) {
		return nil
	}
	if detail, err := scan(payload); err != nil {
		return Refuse("E06", detail, "cannot read the payload: %w", err)
	}
	if err := strict(payload, v); err != nil {
		detail := detailClass
		if bytes.Contains([]byte(err.Error()), []byte("unknown field")) {
			detail = detailUnknown
		}
		return Refuse("E06", detail, "cannot read the payload: a member is unknown or of another class")
	}
	again, err := Canonical(v)
	if err != nil {
		return Refuse("E06", detailClass, "cannot read the payload: %w", err)
	}
	if !bytes.Equal(again, payload) {
		return Refuse("E06", detailForm, "cannot read the payload: it is not in canonical form")
	}
	return nil
}
