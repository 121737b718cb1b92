package desk

import (
	"maps"
	"slices"

	"unbindd/agent/backup"
	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

// opensSets refuses a bundle with a recipient set, new or changed, of which this desk
// is none: terminals would seal for it, and the desk could receipt nothing of theirs.
// A set that was there before is left as it is.
func (d *Desk) opensSets(next *trust.Trust) error {
	var identities []string
	for _, o := range d.Openers {
		identities = append(identities, string(o.Reveal()))
	}
	var own []string
	if len(identities) > 0 {
		var err error
		if own, err = backup.RecipientsOf(identities); err != nil {
			return err
		}
	}
	before := d.trust().Recipients
	for _, name := range slices.Sorted(maps.Keys(next.Recipients)) {
		set := next.Recipients[name]
		opens := func(r trust.Recipient) bool { return slices.Contains(own, string(r.Age)) }
		if slices.Equal(ages(before[name]), ages(set)) || slices.ContainsFunc(set, opens) {
			continue
		}
		return refuse(ErrUnfit, "E16", "desk-opener", "cannot serve under trust version %d: this desk has no identity for its recipient set %s, and could open no backup that is sealed for it", next.Version, name)
	}
	return nil
}

func ages(set []trust.Recipient) (all []envelope.Recipient) {
	for _, r := range set {
		all = append(all, r.Age)
	}
	return all
}
