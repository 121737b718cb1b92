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
// since it was accepted, by which version and when. Any other error stays as it is.
func revokedSince(versions []*trust.Trust, accepted *trust.Trust, order *envelope.Envelope, err error) error {
	if !strings.HasPrefix(envelope.CodeOf(err), "E05") {
		return err
	}
	var gone []string
	for _, s := range order.Signatures {
		key, known := accepted.Keys[s.KeyID]
		if by := revoking(versions, s.KeyID); known && by != nil {
			gone = append(gone, fmt.Sprintf("%s (%s) signed it with key %s, which trust version %d revoked on %s",
				key.Holder, key.Role, s.KeyID, by.Version, time.Unix(by.Issued, 0).UTC().Format("2006-01-02 15:04:05 UTC")))
		}
	}
	if len(gone) == 0 {
		return err
	}
	return envelope.Refuse("E05", "revoked-key", "cannot verify the command: %s; what it led to stays on record, and nothing more is signed on it", strings.Join(gone, ", and "))
}

// revoking is the first version that revokes a key, nil where none does.
func revoking(versions []*trust.Trust, id envelope.KeyID) *trust.Trust {
	at := slices.IndexFunc(versions, func(t *trust.Trust) bool { return slices.Contains(t.Bundle.Revoked, id) })
	if at < 0 {
		return nil
	}
	return versions[at]
}
