package rotation

import (
	"maps"
	"slices"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

// Added is a key that comes in.
type Added struct {
	Holder envelope.ID
	Role   trust.Role
	Key    envelope.PublicKey
}

// Change is what the next version does differently. A set given here takes the place
// of the one of its name; an empty one takes it away.
type Change struct {
	Add      []Added
	Remove   []envelope.KeyID
	Revoke   []envelope.KeyID
	Sets     map[envelope.ID][]trust.Recipient
	Pin      []envelope.Digest
	Unpin    []envelope.Digest
	LogKey   envelope.KeyID
	Rules    map[string]trust.Rule
	Profiles map[envelope.ID]envelope.Digest
	Expires  int64 // Unix seconds; 0 leaves it
	Issued   int64 // Unix seconds
}

// Next is the version after the one in force, which is the last of versions, judged. It
// refuses with E16.
func Next(versions []*trust.Trust, c Change) (*envelope.Envelope, error) {
	now := versions[len(versions)-1]
	b := now.Bundle
	b.Version, b.Issued = now.Version+1, max(c.Issued, now.Issued)
	b.Keys, b.Rules = maps.Clone(now.Keys), maps.Clone(now.Rules)
	b.Recipients, b.Profiles = maps.Clone(now.Recipients), maps.Clone(now.Profiles)
	b.Revoked, b.SPKI = slices.Clone(now.Bundle.Revoked), slices.Clone(now.SPKI)
	if err := c.keys(now, &b); err != nil {
		return nil, err
	}
	for name, people := range c.Sets {
		if len(people) == 0 {
			delete(b.Recipients, name)
			continue
		}
		b.Recipients[name] = people
	}
	maps.Copy(b.Rules, c.Rules)
	maps.Copy(b.Profiles, c.Profiles)
	b.SPKI = slices.DeleteFunc(b.SPKI, func(p envelope.Digest) bool { return slices.Contains(c.Unpin, p) })
	for _, p := range c.Pin {
		if !slices.Contains(b.SPKI, p) {
			b.SPKI = append(b.SPKI, p)
		}
	}
	if c.LogKey != "" {
		b.Log.Key = c.LogKey
	}
	if c.Expires != 0 {
		b.Expires = c.Expires
	}
	e, err := envelope.Seal(envelope.Type(trust.Kind), b)
	if err != nil {
		return nil, refuse("content", "%w", err)
	}
	next, err := now.Draft(e)
	if err != nil {
		return nil, err
	}
	return e, Judge(versions, next, c.Issued)
}

// keys takes keys in and out. A revoked one stays in the bundle, so that what it
// signed is refused by that name, and for ever.
func (c Change) keys(now *trust.Trust, b *trust.Bundle) error {
	for _, id := range c.Remove {
		if _, ok := b.Keys[id]; !ok {
			return refuse("key", "there is no key %s to be removed", id)
		}
		delete(b.Keys, id)
	}
	for _, a := range c.Add {
		id := a.Key.ID()
		if _, ok := b.Keys[id]; ok {
			return refuse("key", "key %s is in the bundle already", id)
		}
		if slices.Contains(now.Revoked(), id) {
			return refuse("key", "key %s was revoked, and that is for ever", id)
		}
		b.Keys[id] = trust.Key{Alg: a.Key.Alg, Holder: a.Holder, Pub: a.Key.Pub, Role: a.Role}
	}
	for _, id := range c.Revoke {
		if _, ok := b.Keys[id]; !ok {
			return refuse("key", "there is no key %s to be revoked", id)
		}
		if !slices.Contains(b.Revoked, id) {
			b.Revoked = append(b.Revoked, id)
		}
	}
	slices.Sort(b.Revoked)
	return nil
}
