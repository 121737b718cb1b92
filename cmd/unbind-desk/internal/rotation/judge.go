package rotation

import (
	"fmt"
	"maps"
	"slices"

	"unbindd/agent/backup"
	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

// Judge refuses a next version that would lock everybody out: with E16 and the name
// of what could not be done under it. versions are all before it, the one in force last.
func Judge(versions []*trust.Trust, next *trust.Trust, at int64) error {
	now := versions[len(versions)-1]
	if len(Compare(now.Bundle, next.Bundle)) == 0 {
		return refuse("no-change", "it changes nothing")
	}
	if next.Expires <= max(at, next.Issued) {
		return refuse("expiry", "it would have expired when it is issued")
	}
	if missing := now.Unreachable(now.Rules[trust.Kind]); len(missing) > 0 {
		return refuse("unreachable", "nobody can sign it any more: the roots of version %d are too few", now.Version)
	}
	if n := hands(now, next); n > envelope.MaxSignatures {
		return refuse("unreachable", "it would need %d signatures of two versions, and an envelope takes %d; exchange the roots in two versions", n, envelope.MaxSignatures)
	}
	if err := SameHolders(versions, next); err != nil {
		return err
	}
	return Usable(next)
}

// Usable refuses a version under which something could not be done at all, whoever
// signed it: a rule that nobody could meet, a log without its key, a backup that is
// sealed for nobody. The desk asks it too, for a bundle may be made without a draft.
func Usable(next *trust.Trust) error {
	for _, kind := range slices.Sorted(maps.Keys(next.Rules)) {
		rule := next.Rules[kind]
		if missing := next.Unreachable(rule); len(missing) > 0 {
			return refuse("unreachable", "nobody could meet its rule for %s: there are not enough people of role %s who are not revoked", kind, missing[0])
		}
		if rule.Total > envelope.MaxSignatures || total(rule) > envelope.MaxSignatures {
			return refuse("unreachable", "its rule for %s asks for more than the %d signatures that an envelope takes", kind, envelope.MaxSignatures)
		}
	}
	if key, ok := next.Keys[next.Log.Key]; !ok || key.Role != trust.ReceiptKey || slices.Contains(next.Revoked(), next.Log.Key) {
		return refuse("log", "its log key is not in it as a receipt key, or is revoked")
	}
	return recipients(next)
}

func total(r trust.Rule) (n int) {
	for _, need := range r.Need {
		n += need
	}
	return n
}

// hands is how many people must sign for the rules of both versions at least.
func hands(now, next *trust.Trust) int {
	before, after := now.Rules[trust.Kind], next.Rules[trust.Kind]
	both := 0
	for id, key := range next.Keys {
		if had, ok := now.Keys[id]; ok && had.Holder == key.Holder && had.Role == key.Role && key.Role == trust.Root && !slices.Contains(next.Revoked(), id) {
			both++
		}
	}
	return before.Total + after.Total - min(both, before.Total, after.Total)
}

// recipients must be there, and of a kind that a backup can be sealed for.
func recipients(next *trust.Trust) error {
	if len(next.Recipients) == 0 {
		return refuse("recipients", "it has no recipient set, so that no backup could be sealed")
	}
	for _, name := range slices.Sorted(maps.Keys(next.Recipients)) {
		var people []string
		for _, r := range next.Recipients[name] {
			people = append(people, string(r.Age))
		}
		if err := backup.CheckRecipients(people); err != nil {
			return refuse("recipients", "nothing can be sealed for its set %s: %w", name, err)
		}
	}
	return nil
}

func refuse(detail, why string, args ...any) error {
	return envelope.Refuse("E16", detail, "cannot use the trust bundle: %w", fmt.Errorf(why, args...))
}
