package rotation

import (
	"unbindd/agent/trust"
)

// SameHolders refuses a next version that gives a key to another person than it had
// in any version before. Rules count people by their names: who holds two keys stands
// in one place, until one of them is given another name, and then signs twice.
func SameHolders(before []*trust.Trust, next *trust.Trust) error {
	for _, t := range before {
		for id, key := range next.Keys {
			if had, ok := t.Keys[id]; ok && had.Holder != key.Holder {
				return refuse("holder", "key %s was %s's in version %d and would be %s's: one person would sign under two names; another person needs a key of their own", id, had.Holder, t.Version, key.Holder)
			}
		}
	}
	return nil
}
