package certificate

import (
	"crypto/sha256"
	"crypto/subtle"

	"unbindd/agent/envelope"
)

// Tombstone is the file that is left: it needs no key. R is the preimage whose
// hash the certificate carried; it says that the step was reached, no more.
type Tombstone struct {
	Action      envelope.ID     `json:"action"`
	Case        envelope.ID     `json:"case"`
	Certificate envelope.Digest `json:"certificate"`
	Epoch       int64           `json:"epoch"`
	IDs         []envelope.ID   `json:"ids"` // consumed command ids
	R           []byte          `json:"r"`   // 32 bytes
	Result      string          `json:"result"`
	Seq         int64           `json:"seq"` // the last command's number
	Terminal    envelope.ID     `json:"terminal"`
	V           int             `json:"v"`
}

// Commitment is the hash of the preimage, as it stands in the certificate.
func Commitment(r []byte) envelope.Digest { return envelope.DigestOf(r) }

// ReadTombstone reads a tombstone file.
func ReadTombstone(text []byte) (Tombstone, error) {
	var t Tombstone
	if err := envelope.Decode(text, &t); err != nil {
		return t, err
	}
	if t.V != 1 || len(t.R) != sha256.Size {
		return t, envelope.Refuse("E07", "tombstone", "cannot read the tombstone: its version or preimage is not supported")
	}
	return t, nil
}

// Opens says whether the tombstone's preimage is the one the certificate
// committed to, and whether both name the same case.
func (t *Tombstone) Opens(s *Statement, digest envelope.Digest) bool {
	want := string(s.Predicate.Tombstone)
	return subtle.ConstantTimeCompare([]byte(want), []byte(Commitment(t.R))) == 1 &&
		t.Certificate == digest && t.Case == s.Predicate.Case && t.Epoch == s.Predicate.Terminal.Epoch
}
