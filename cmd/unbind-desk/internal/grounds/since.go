package grounds

import (
	"errors"
	"slices"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

// Under verifies what was signed in the course of the case under the newest version
// that knows its signers, back to the one the command was made for: a key that went
// since has signed all the same. One that was revoked counts under none of them.
func (g *Grounds) Under(check func(*trust.Trust) error) (err error) {
	for _, t := range slices.Backward(g.since) {
		if err = check(t); err == nil || !unknownKey(err) {
			return err
		}
	}
	return err
}

// Since are the versions from the command's to the newest one, each with every
// revocation known, the newest first.
func (g *Grounds) Since() []*trust.Trust {
	newest := slices.Clone(g.since)
	slices.Reverse(newest)
	return newest
}

// unknownKey says that somewhere behind an error a signature is by no known key, or a
// role has not signed, which is the same of a key that is gone.
func unknownKey(err error) bool {
	var r *envelope.Refusal
	for errors.As(err, &r) {
		if r.Code == "E04" || r.Full() == "E05:missing-role" {
			return true
		}
		err = r.Unwrap()
	}
	return false
}
