package trust

import (
	"slices"

	"unbindd/agent/envelope"
)

// Approver is a holder whose key verified, for the role it stood for.
type Approver struct {
	Holder envelope.ID    `json:"holder"`
	Key    envelope.KeyID `json:"key"`
	Role   Role           `json:"role"`
}

// Trust is a bundle that was verified, with every revocation known.
type Trust struct {
	Bundle
	digest  envelope.Digest
	revoked map[envelope.KeyID]bool
	past    map[int64]envelope.Digest // every version up to this one, where it was followed from the anchor
}

// Digest is the digest of the bundle's envelope.
func (t *Trust) Digest() envelope.Digest { return t.digest }

// Revoked lists every key revoked by this or an earlier version.
func (t *Trust) Revoked() []envelope.KeyID {
	var ids []envelope.KeyID
	for id := range t.revoked {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// WithRevoked is t with further revocations, as known from a later bundle.
func (t *Trust) WithRevoked(ids []envelope.KeyID) *Trust {
	more := *t
	more.revoked = map[envelope.KeyID]bool{}
	for id := range t.revoked {
		more.revoked[id] = true
	}
	for _, id := range ids {
		more.revoked[id] = true
	}
	return &more
}

// RoleKeys returns the public keys of a role that are not revoked.
func (t *Trust) RoleKeys(role Role) []envelope.PublicKey {
	var keys []envelope.PublicKey
	for id, key := range t.Keys {
		if key.Role == role && !t.revoked[id] {
			keys = append(keys, key.Public())
		}
	}
	return keys
}

// Verify checks that e is of the kind and signed as the kind's rule demands,
// plus one holder of each extra role. It refuses with E03, E04 or E05 and uses
// nothing of the payload.
func (t *Trust) Verify(e *envelope.Envelope, kind string, extra ...Role) ([]Approver, error) {
	if e.PayloadType != envelope.Type(kind) {
		return nil, envelope.Refuse("E03", "", "cannot take the envelope as a %s: its type is another", kind)
	}
	rule := t.Rules[kind]
	for _, role := range extra {
		rule = rule.With(role)
	}
	return t.meet(e, rule)
}

// VerifyBy checks that e is of a payload type and signed as a given rule demands,
// for what the bundle's own rules do not speak of. It refuses with E03, E04 or E05.
func (t *Trust) VerifyBy(e *envelope.Envelope, payloadType string, rule Rule) ([]Approver, error) {
	if e.PayloadType != payloadType {
		return nil, envelope.Refuse("E03", "", "cannot verify the envelope: its type is another")
	}
	return t.meet(e, rule)
}

// meet collects the signatures by known keys and looks for a way to give each
// needed role a holder of its own.
func (t *Trust) meet(e *envelope.Envelope, rule Rule) ([]Approver, error) {
	known, valid, err := t.signers(e)
	if err != nil {
		return nil, err
	}
	if len(e.Signatures) == 0 {
		return nil, envelope.Refuse("E04", "unsigned", "cannot verify the envelope: it has no signature")
	}
	if known == 0 {
		return nil, envelope.Refuse("E04", "", "cannot verify the envelope: no signature is by a key of trust version %d", t.Version)
	}
	if approvers := assign(rule, valid); approvers != nil {
		return approvers, nil
	}
	return nil, shortfall(rule, valid, known)
}

// signers counts the signatures whose hint is a known key, and returns those
// that verify by a key which is not revoked. A signature that claims a known
// key and does not verify spoils the whole envelope.
func (t *Trust) signers(e *envelope.Envelope) (int, []Approver, error) {
	pae, known := e.PAE(), 0
	var valid []Approver
	for _, s := range e.Signatures {
		key, ok := t.Keys[s.KeyID]
		if !ok {
			continue
		}
		known++
		if !key.Public().Verify(pae, s.Sig) {
			return 0, nil, envelope.Refuse("E05", "bad-signature", "cannot verify the envelope: the signature of %s does not fit", s.KeyID)
		}
		if !t.revoked[s.KeyID] {
			valid = append(valid, Approver{Holder: key.Holder, Key: s.KeyID, Role: key.Role})
		}
	}
	return known, valid, nil
}

// assign picks approvers so that every role has enough holders, the total is
// reached and no holder is used twice; nil if there is no such choice. There
// are at most MaxSignatures signatures, so trying all choices is cheap.
func assign(rule Rule, valid []Approver) []Approver {
	var best []Approver
	var try func(from int, used map[envelope.ID]bool, chosen []Approver)
	try = func(from int, used map[envelope.ID]bool, chosen []Approver) {
		if best == nil && meets(rule, chosen) {
			best = slices.Clone(chosen)
		}
		for i := from; best == nil && i < len(valid); i++ {
			a := valid[i]
			if _, needed := rule.Need[a.Role]; !needed || used[a.Holder] {
				continue
			}
			used[a.Holder] = true
			try(i+1, used, append(chosen, a))
			delete(used, a.Holder)
		}
	}
	try(0, map[envelope.ID]bool{}, nil)
	return best
}

func meets(rule Rule, chosen []Approver) bool {
	have := map[Role]int{}
	for _, a := range chosen {
		have[a.Role]++
	}
	for role, n := range rule.Need {
		if have[role] < n {
			return false
		}
	}
	return len(chosen) >= rule.Total
}

// shortfall tells why no choice was found: a role without enough signatures, a
// revoked key among them, or one person in two places.
func shortfall(rule Rule, valid []Approver, known int) error {
	have := map[Role]int{}
	for _, a := range valid {
		have[a.Role]++
	}
	for _, role := range roles {
		if have[role] >= rule.Need[role] {
			continue
		}
		if known > len(valid) {
			return envelope.Refuse("E05", "revoked-key", "cannot verify the envelope: a key that signed it is revoked, and role %s is missing", role)
		}
		return envelope.Refuse("E05", "missing-role", "cannot verify the envelope: role %s has not signed", role)
	}
	return envelope.Refuse("E05", "same-holder", "cannot verify the envelope: one person stands in two places, %d people are needed", rule.Total)
}
