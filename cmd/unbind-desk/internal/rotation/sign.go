package rotation

import (
	"slices"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

// Side is how far one version's rule for a next bundle has been met.
type Side struct {
	Version int64            `json:"version"`
	Signed  []trust.Approver `json:"signed"`
	Missing int              `json:"missing"` // people
}

// Sides is how far the rules of both versions have been met.
func Sides(now, next *trust.Trust, e *envelope.Envelope) (sides []Side, err error) {
	for _, t := range []*trust.Trust{now, next} {
		who, err := t.Signed(e)
		if err != nil {
			return nil, err
		}
		rule := t.Rules[trust.Kind]
		who = slices.DeleteFunc(who, func(a trust.Approver) bool { return rule.Need[a.Role] == 0 })
		s := Side{Version: t.Version, Signed: who, Missing: max(0, rule.Total-len(who))}
		if _, err := t.Verify(e, trust.Kind); err == nil {
			s.Missing = 0
		}
		sides = append(sides, s)
	}
	return sides, nil
}

// Add signs a next bundle with one more key, which the rule of one of the versions
// must ask for. Nobody signs twice for one version, with whatever keys; who exchanges his
// own key signs with the old one for the version in force and with the new one for the
// next. It refuses with E04 or E05.
func Add(now, next *trust.Trust, e *envelope.Envelope, by envelope.Signer) (trust.Approver, error) {
	who, err := signer(now, next, by.Public().ID())
	if err != nil {
		return who, err
	}
	for _, s := range e.Signatures {
		if counted(now, who.Key, s.KeyID) || counted(next, who.Key, s.KeyID) {
			return who, envelope.Refuse("E05", "same-holder", "cannot sign the bundle: %s has signed already, and nobody signs twice", who.Holder)
		}
	}
	return who, e.Add(by)
}

// counted says that two keys are of one person, and count both for the rule of a version.
func counted(t *trust.Trust, a, b envelope.KeyID) bool {
	var holders []envelope.ID
	for _, id := range []envelope.KeyID{a, b} {
		if key, ok := t.Keys[id]; ok && t.Rules[trust.Kind].Need[key.Role] > 0 && !slices.Contains(t.Revoked(), id) {
			holders = append(holders, key.Holder)
		}
	}
	return len(holders) == 2 && holders[0] == holders[1]
}

// signer is whose key it is, by the version in force or by the next.
func signer(now, next *trust.Trust, id envelope.KeyID) (trust.Approver, error) {
	for _, t := range []*trust.Trust{now, next} {
		key, ok := t.Keys[id]
		if !ok {
			continue
		}
		if slices.Contains(t.Revoked(), id) && t == now {
			return trust.Approver{}, envelope.Refuse("E05", "revoked-key", "cannot sign the bundle: key %s is revoked", id)
		}
		if t.Rules[trust.Kind].Need[key.Role] == 0 {
			return trust.Approver{}, envelope.Refuse("E05", "role", "cannot sign the bundle: key %s is of role %s, which nobody asks for", id, key.Role)
		}
		return trust.Approver{Holder: key.Holder, Key: id, Role: key.Role}, nil
	}
	return trust.Approver{}, envelope.Refuse("E04", "", "cannot sign the bundle: neither version %d nor the next has key %s", now.Version, id)
}
