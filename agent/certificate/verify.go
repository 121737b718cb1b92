package certificate

import (
	"slices"

	"unbindd/agent/envelope"
)

// rank orders the levels of erasure; an unknown word is the lowest.
var rank = []string{"none", "logical", "clear", "purge-asserted", "purge-verified"}

// reached says whether a level satisfies what was requested: "purge" is
// satisfied by either purge level.
func reached(achieved, requested string) bool {
	if requested == "purge" {
		requested = "purge-asserted"
	}
	return slices.Index(rank, requested) >= 0 && slices.Index(rank, achieved) >= slices.Index(rank, requested)
}

// Judge fills Result and Missing from what stands in the predicate. Complete
// means: every target at the level requested and verified, the reader erased,
// and neither the second list nor the second look found anything.
func (p *Predicate) Judge() {
	p.Missing = p.missing()
	p.Result = Complete
	if p.Reader.Outcome != "erased" || p.Verified != Pass || len(p.Software.Residue) > 0 {
		p.Result = Partial
	}
	if p.Copies != nil && slices.ContainsFunc(p.Copies.Places, func(c Place) bool { return c.Left != 0 }) {
		p.Result = Partial
	}
	for _, m := range p.Media {
		if m.Verified != Pass || !reached(m.LevelAchieved, m.LevelRequested) {
			p.Result = Partial
		}
	}
}

// Open verifies a certificate against the device key of its terminal and
// refuses one that says "complete" where its own content does not.
func Open(e *envelope.Envelope, device envelope.PublicKey) (Statement, error) {
	s, err := Read(e)
	if err != nil {
		return s, err
	}
	if !e.SignedBy(device) {
		return s, envelope.Refuse("E04", "", "cannot verify the certificate: it is not signed by the terminal's device key")
	}
	return s, nil
}

// Read reads a certificate without its signature: form, names, and that its
// result follows from its content.
func Read(e *envelope.Envelope) (Statement, error) {
	var s Statement
	if e.PayloadType != envelope.Statement {
		return s, envelope.Refuse("E03", "", "cannot take the envelope as a certificate: its type is another")
	}
	if err := envelope.Decode(e.Payload, &s); err != nil {
		return s, err
	}
	if s.Type != StatementType || s.PredicateType != PredicateType {
		return s, envelope.Refuse("E07", "certificate", "cannot use the certificate: its statement or predicate type is not supported")
	}
	judged := s.Predicate
	judged.Judge()
	if judged.Result != s.Predicate.Result {
		return s, envelope.Refuse("E06", "result", "cannot use the certificate: its result does not follow from its content")
	}
	return s, nil
}

// Covers says whether the slots named as erased are exactly those that the
// manifest said the erase would cover; what was not erased may be less.
func (r *Reader) Covers(scope []int64) bool {
	return r.Outcome != "erased" || slices.EqualFunc(r.Slots, scope, func(s Slot, slot int64) bool { return s.Slot == slot })
}

// SubjectDigest returns the digest of a subject by name.
func (s *Statement) SubjectDigest(name string) (envelope.Digest, bool) {
	for _, sub := range s.Subject {
		if sub.Name == name {
			return envelope.Digest("sha256:" + sub.Digest["sha256"]), true
		}
	}
	return "", false
}

// About makes a subject.
func About(name string, digest envelope.Digest) Subject {
	return Subject{Name: name, Digest: map[string]string{"sha256": digest.Hex()}}
}
