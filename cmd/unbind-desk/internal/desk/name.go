package desk

import (
	"regexp"

	"unbindd/agent/envelope"
)

// A name that stands in a path, a URL or a folder: the class id without the
// slash, and not one of the two names that mean another place.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9._:@+-]{1,64}$`)

// NoCase begins the case of an answer to something that opened none; the
// terminal's id follows.
const NoCase = "none:"

// Name checks that text may name a terminal or a case here.
func Name(what, text string) (envelope.ID, error) {
	if !nameForm.MatchString(text) || text == "." || text == ".." {
		return "", refuse(ErrMalformed, "E28", "name", "cannot use the name of the %s: want 1 to 64 of A-Z a-z 0-9 . _ : @ + -", what)
	}
	return envelope.ID(text), nil
}
