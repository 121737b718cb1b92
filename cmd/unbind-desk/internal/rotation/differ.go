package rotation

import (
	"cmp"
	"maps"
	"reflect"
	"slices"

	"unbindd/agent/trust"
)

// The words for what a line of a comparison is about, and for what became of it.
const (
	Key       = "key"
	Revoked   = "revoked"
	Set       = "recipients"
	Rule      = "rule"
	Pin       = "pin"
	LogKey    = "log"
	Profile   = "profile"
	Expiry    = "expires"
	CameIn    = "added"
	WentOut   = "removed"
	Different = "changed"
)

// Line is one thing that differs between two versions. Before and After are nil where
// it was not there.
type Line struct {
	What   string `json:"what"`
	How    string `json:"how"`
	Name   string `json:"name"`
	Before any    `json:"before,omitempty"`
	After  any    `json:"after,omitempty"`
}

// Compare lists everything that differs between two versions but their numbers and
// when they were issued, in a fixed order.
func Compare(before, after trust.Bundle) []Line {
	lines := slices.Concat(
		tables(Key, before.Keys, after.Keys),
		tables(Revoked, listed(before.Revoked), listed(after.Revoked)),
		tables(Rule, before.Rules, after.Rules),
		tables(Set, before.Recipients, after.Recipients),
		tables(Profile, before.Profiles, after.Profiles),
		tables(Pin, listed(before.SPKI), listed(after.SPKI)),
	)
	if before.Log != after.Log {
		lines = append(lines, Line{What: LogKey, How: Different, Name: string(after.Log.Key), Before: before.Log, After: after.Log})
	}
	if before.Expires != after.Expires {
		lines = append(lines, Line{What: Expiry, How: Different, Before: before.Expires, After: after.Expires})
	}
	return lines
}

func listed[T ~string](all []T) map[T]bool {
	out := map[T]bool{}
	for _, x := range all {
		out[x] = true
	}
	return out
}

func tables[K ~string, V any](what string, before, after map[K]V) (lines []Line) {
	for name, was := range before {
		now, ok := after[name]
		switch {
		case !ok:
			lines = append(lines, Line{What: what, How: WentOut, Name: string(name), Before: was})
		case !reflect.DeepEqual(was, now):
			lines = append(lines, Line{What: what, How: Different, Name: string(name), Before: was, After: now})
		}
	}
	for name := range maps.Keys(after) {
		if _, ok := before[name]; !ok {
			lines = append(lines, Line{What: what, How: CameIn, Name: string(name), After: after[name]})
		}
	}
	slices.SortFunc(lines, func(a, b Line) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.How, b.How)) })
	return lines
}
