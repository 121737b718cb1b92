package rotation

import (
	"maps"
	"slices"

	"unbindd/agent/envelope"
	"unbindd/agent/profile"
	"unbindd/agent/trust"
)

// Closed is a profile that a version names and that nobody can use under it: until
// others have signed it anew every command for it is refused.
type Closed struct {
	Profile envelope.ID     `json:"profile"`
	Digest  envelope.Digest `json:"digest"`
	Why     string          `json:"why"`
}

// ClosedProfiles are those of the given profiles that next names and of which none
// opens under it. They are told and not refused: a key that was stolen must go at once,
// and the profile can be signed anew afterwards. Profiles that are not given are not
// judged.
func ClosedProfiles(next *trust.Trust, given []*envelope.Envelope) (closed []Closed) {
	for _, name := range slices.Sorted(maps.Keys(next.Profiles)) {
		var why error
		opens := false
		for _, e := range given {
			if e.Digest() != next.Profiles[name] {
				continue
			}
			_, err := profile.Open(e, next)
			opens, why = opens || err == nil, err
		}
		if !opens && why != nil {
			closed = append(closed, Closed{Profile: name, Digest: next.Profiles[name], Why: why.Error()})
		}
	}
	return closed
}

// MissingProfiles are the names of next for which none of the given profiles opens.
func MissingProfiles(next *trust.Trust, given []*envelope.Envelope) (names []envelope.ID) {
	for _, name := range slices.Sorted(maps.Keys(next.Profiles)) {
		if !slices.ContainsFunc(given, func(e *envelope.Envelope) bool {
			_, err := profile.Open(e, next)
			return err == nil && e.Digest() == next.Profiles[name]
		}) {
			names = append(names, name)
		}
	}
	return names
}
