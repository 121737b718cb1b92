package grounds

import (
	"slices"
	"strings"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/campaign"
)

// Approval is how far the signing of an order has got: who signed, for which
// role, the roles that are still missing, and how many people beyond them.
type Approval struct {
	Signed  []trust.Approver `json:"signed"`
	Missing []trust.Role     `json:"missing"`
	More    int              `json:"more,omitempty"` // further people, of any role that is asked for
}

// Approve reads the signatures of an order against a bundle. Every one must be
// by a known key whose role is asked for, and nobody signs twice, with whatever
// keys: it refuses with E04 or E05. What the order says is not judged.
func Approve(t *trust.Trust, e *envelope.Envelope) (Approval, error) {
	rule, err := ruleOf(t, e)
	if err != nil {
		return Approval{}, err
	}
	a := Approval{Signed: []trust.Approver{}, Missing: []trust.Role{}}
	left := map[trust.Role]int{}
	a.More = rule.Total
	for role, n := range rule.Need {
		left[role] = n
		a.More -= n
	}
	a.More = max(a.More, 0)
	for _, s := range e.Signatures {
		who, err := signer(t, e, s)
		if err != nil {
			return a, err
		}
		if slices.ContainsFunc(a.Signed, func(had trust.Approver) bool { return had.Holder == who.Holder }) {
			return a, envelope.Refuse("E05", "same-holder", "cannot take the signature of %s: %s has signed already, and nobody signs twice", s.KeyID, who.Holder)
		}
		_, asked := rule.Need[who.Role]
		switch {
		case left[who.Role] > 0:
			left[who.Role]--
		case asked && a.More > 0:
			a.More--
		default:
			return a, unasked(a.Signed, who)
		}
		a.Signed = append(a.Signed, who)
	}
	for role, n := range left {
		for range n {
			a.Missing = append(a.Missing, role)
		}
	}
	slices.Sort(a.Missing)
	return a, nil
}

// unasked refuses a signature whose role is not asked for, or not any more: it names
// who has signed for that role already.
func unasked(signed []trust.Approver, who trust.Approver) error {
	for _, had := range signed {
		if had.Role == who.Role {
			return envelope.Refuse("E05", "role", "cannot take the signature of %s: %s has signed as %s already, and nobody more of that role is asked for", who.Holder, had.Holder, who.Role)
		}
	}
	return envelope.Refuse("E05", "role", "cannot take the signature of %s: nobody of role %s is asked for", who.Holder, who.Role)
}

func signer(t *trust.Trust, e *envelope.Envelope, s envelope.Signature) (trust.Approver, error) {
	key, ok := t.Keys[s.KeyID]
	switch {
	case !ok:
		return trust.Approver{}, envelope.Refuse("E04", "", "cannot take the signature of %s: trust version %d has no such key", s.KeyID, t.Version)
	case slices.Contains(t.Revoked(), s.KeyID):
		return trust.Approver{}, envelope.Refuse("E05", "revoked-key", "cannot take the signature of %s: the key is revoked", s.KeyID)
	case !key.Public().Verify(e.PAE(), s.Sig):
		return trust.Approver{}, envelope.Refuse("E05", "bad-signature", "cannot take the signature of %s: it does not fit", s.KeyID)
	}
	return trust.Approver{Holder: key.Holder, Key: s.KeyID, Role: key.Role}, nil
}

// ruleOf is what an order's kind demands, with release where a command's gate is
// weaker than the receipt.
func ruleOf(t *trust.Trust, e *envelope.Envelope) (trust.Rule, error) {
	kind := strings.TrimSuffix(strings.TrimPrefix(e.PayloadType, "application/vnd.unbindd."), ".v1+json")
	if kind == campaign.Kind {
		return campaign.Rule(t), nil
	}
	rule, ok := t.Rules[kind]
	if !ok || e.PayloadType != envelope.Type(kind) {
		return rule, envelope.Refuse("E03", "", "cannot say who must sign it: its kind has no rule")
	}
	if kind == command.Kind {
		var c command.Command
		if err := envelope.Decode(e.Payload, &c); err != nil {
			return rule, err
		}
		if c.Relaxed() {
			rule = rule.With(trust.Release)
		}
	}
	return rule, nil
}
