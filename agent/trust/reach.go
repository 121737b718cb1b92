package trust

import (
	"slices"

	"unbindd/agent/envelope"
)

// Unreachable names the roles for which a rule cannot be met by the keys of the
// bundle, however many of their holders sign: because there are too few people, or
// because one person would have to stand in two places. None means that it can be met.
func (t *Trust) Unreachable(rule Rule) []Role {
	places := []Role{}
	for _, role := range roles {
		for range rule.Need[role] {
			places = append(places, role)
		}
	}
	people := t.people(rule)
	seat := map[envelope.ID]int{} // who stands in which place
	var missing []Role
	for i, role := range places {
		if !t.seat(i, places, people, seat, map[envelope.ID]bool{}) {
			missing = append(missing, role)
		}
	}
	if len(missing) == 0 && len(people) < rule.Total {
		missing = slices.Compact(slices.Clone(places))
	}
	return missing
}

// people are the holders of keys that are not revoked, with the roles that a rule
// asks for.
func (t *Trust) people(rule Rule) map[envelope.ID][]Role {
	people := map[envelope.ID][]Role{}
	for id, key := range t.Keys {
		if _, asked := rule.Need[key.Role]; asked && !t.revoked[id] {
			people[key.Holder] = append(people[key.Holder], key.Role)
		}
	}
	return people
}

// seat finds somebody for a place; who sits there already moves, if another place
// takes him.
func (t *Trust) seat(i int, places []Role, people map[envelope.ID][]Role, seat map[envelope.ID]int, asked map[envelope.ID]bool) bool {
	for who, can := range people {
		if asked[who] || !slices.Contains(can, places[i]) {
			continue
		}
		asked[who] = true
		if at, sits := seat[who]; !sits || t.seat(at, places, people, seat, asked) {
			seat[who] = i
			return true
		}
	}
	return false
}

// Draft reads a bundle as the version after t, whoever has signed it so far, so that
// it can be looked at. It is believed in nothing.
func (t *Trust) Draft(e *envelope.Envelope) (*Trust, error) {
	next, err := read(e)
	if err != nil {
		return nil, err
	}
	if next.Version != t.Version+1 {
		detail := "gap"
		if next.Version <= t.Version {
			detail = "rollback"
		}
		return nil, refuse(detail, "it is version %d, and follows no version %d", next.Version, t.Version)
	}
	return next.WithRevoked(t.Revoked()), nil
}

// Signed lists who has signed an envelope, by the keys of the bundle that are not
// revoked, each person once; the rule is not asked.
func (t *Trust) Signed(e *envelope.Envelope) (who []Approver, err error) {
	_, valid, err := t.signers(e)
	for _, a := range valid {
		if !slices.ContainsFunc(who, func(had Approver) bool { return had.Holder == a.Holder }) {
			who = append(who, a)
		}
	}
	return who, err
}
