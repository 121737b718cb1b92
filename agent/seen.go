package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"unbindd/agent/local"
	"unbindd/agent/trust"
)

// The tag of an answer is signed by nobody. Whoever answers in the desk's place may put
// the tag of what the desk will offer next beside something else; a terminal that asked
// with it from then on would be told that it has everything.

var (
	// ordersTag is the form of the tag that is made of an answer's bytes.
	ordersTag = regexp.MustCompile(`^"[0-9a-f]{32}"$`)
	errTag    = errors.New("the tag beside it is not of these bytes")
)

// unbelieved is why an answer is asked for again that another try alone does not mend.
type unbelieved struct{ error }

func (u unbelieved) Unwrap() error { return u.error }

// proved says why the tag of an answer may not be remembered: something in it was not
// taken for anybody's word, or the tag belongs to other bytes. A tag of another form than
// those of docs/WIRE.md is a desk's own, and is held to the first alone.
func (a *Agent) proved(text []byte, tag string, taken []local.Object) error {
	for _, o := range taken {
		if o.Error != nil && a.unproved(o.Error.Code) {
			return unbelieved{fmt.Errorf("%s: %w", o.Kind, o.Error)}
		}
	}
	sum := sha256.Sum256(text)
	id := a.identity()
	switch {
	case ordersTag.MatchString(tag) && tag != `"`+hex.EncodeToString(sum[:16])+`"`,
		strings.HasPrefix(tag, `"trust-`) && id != nil && tag != trust.Tag(id.trust):
		return unbelieved{errTag}
	}
	return nil
}

// unproved are the codes of what was refused before a signature on it counted. An order
// to a case is looked at no further where none runs.
func (a *Agent) unproved(code string) bool {
	switch bare, _, _ := cutCode(code); bare {
	case "E01", "E02", "E03", "E04", "E05", "E16":
		return true
	case "E28":
		return a.mode() != local.Obeying
	}
	return false
}
