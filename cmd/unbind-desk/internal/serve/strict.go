package serve

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// maxDepth bounds nesting, as that of an envelope is bounded.
const maxDepth = 16

// capital is the one name with a capital letter that a member of ours has, in envelopes.
const capital = "payloadType"

var errAmbiguous = errors.New("a member stands in it twice, or is written otherwise than it is called")

var errDeep = fmt.Errorf("it is nested deeper than %d", maxDepth)

// unambiguous refuses a text in which two readers may see two things: encoding/json takes the
// last of two members of one name, and a name in any letters, so that what was looked
// at on the way need not be what is done.
func unambiguous(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	return value(dec, 0)
}

func value(dec *json.Decoder, depth int) error {
	t, err := dec.Token()
	if err != nil {
		return err
	}
	if depth > maxDepth {
		return errDeep
	}
	named := t == json.Delim('{')
	if !named && t != json.Delim('[') {
		return nil
	}
	seen := map[string]bool{}
	for dec.More() {
		if named {
			t, err := dec.Token()
			if err != nil {
				return err
			}
			name, _ := t.(string) // a member's name is always a string
			folded := strings.ToLower(strings.ToUpper(name))
			if seen[folded] || name != folded && name != capital {
				return errAmbiguous
			}
			seen[folded] = true
		}
		if err := value(dec, depth+1); err != nil {
			return err
		}
	}
	_, err = dec.Token()
	return err
}
