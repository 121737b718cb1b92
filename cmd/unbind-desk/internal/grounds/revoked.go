package grounds

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

// revokedSince says of a command that does not verify any more whose key was revoked
// since it was accepted, by which version and when. Any other error stays as it is. A
// key that the version it was made for does not know counts for nothing in it, and is
// named in nothing.
func revokedSince(versions []*trust.Trust, accepted *trust.Trust, order *envelope.Envelope, err error) error {
	gone := departed(versions, order, func(id envelope.KeyID) bool { _, ok := accepted.Keys[id]; return ok }, true)
	if !strings.HasPrefix(envelope.CodeOf(err), "E05") || len(gone) == 0 {
		return err
	}
	return envelope.Refuse("E05", "revoked-key", "cannot verify the command: %s; what it led to stays on record, and nothing more is signed on it", strings.Join(gone, ", and "))
}

// Departed says of everybody who signed an envelope and whom the newest version does not
// take any more who he was, what became of his key, by which version and when.
func Departed(versions []*trust.Trust, e *envelope.Envelope) []string {
	return departed(versions, e, func(envelope.KeyID) bool { return true }, false)
}

// departed names nobody for a signature that is not by his key: the key id beside it is a
// hint that anybody can write.
func departed(versions []*trust.Trust, e *envelope.Envelope, counts func(envelope.KeyID) bool, revoked bool) (gone []string) {
	has := func(id envelope.KeyID) func(*trust.Trust) bool {
		return func(t *trust.Trust) bool { _, ok := t.Keys[id]; return ok }
	}
	for _, s := range e.Signatures {
		first := slices.IndexFunc(versions, has(s.KeyID))
		if first < 0 || !counts(s.KeyID) {
			continue
		}
		key, how := versions[first].Keys[s.KeyID], "revoked"
		if !key.Public().Verify(e.PAE(), s.Sig) {
			continue
		}
		at := slices.IndexFunc(versions, func(t *trust.Trust) bool { return slices.Contains(t.Bundle.Revoked, s.KeyID) })
		if at < 0 && !revoked && !has(s.KeyID)(versions[len(versions)-1]) {
			how = "took out"
			at = len(versions) - 1
			for !has(s.KeyID)(versions[at-1]) {
				at--
			}
		}
		if at < 0 {
			continue
		}
		gone = append(gone, fmt.Sprintf("%s (%s) signed it with key %s, which trust version %d %s on %s",
			key.Holder, key.Role, s.KeyID, versions[at].Version, how, time.Unix(versions[at].Issued, 0).UTC().Format("2006-01-02 15:04:05 UTC")))
	}
	return gone
}
