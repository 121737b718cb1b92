package rotation

import (
	"slices"

	"unbindd/agent/trust"
)

// SameHolders refuses a next version that gives a key to another person than the
// newest version before it that had the key. Rules count people by their names: who
// holds two keys stands in one place, until one of them is given another name, and then
// signs twice. A name that an older desk let change is the key's name since: what
// compares with every version could follow such a desk nowhere. A key that is revoked in
// next signs nothing, under whatever name.
func SameHolders(before []*trust.Trust, next *trust.Trust) error {
	gone := next.Revoked()
	for id, key := range next.Keys {
		if slices.Contains(gone, id) {
			continue
		}
		for _, t := range slices.Backward(before) {
			had, ok := t.Keys[id]
			if ok && had.Holder != key.Holder {
				return refuse("holder", "key %s was %s's in version %d and would be %s's: one person would sign under two names; another person needs a key of their own", id, had.Holder, t.Version, key.Holder)
			}
			if ok {
				break
			}
		}
	}
	return nil
}
