// Package profile is what a merchant type demands of an unbinding: the papers,
// the checklists, the places to erase and the key types that must go. A profile
// is signed, named by digest in the trust bundle and in the command.
package profile

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

// Kind is the payload kind of a profile.
const Kind = "profile"

// The classes of what is erased. The first three are always in scope; the rest
// is found through the inventory.
const (
	ReaderKeys  = "reader-keys"
	HostKeys    = "host-keys"
	Ledger      = "ledger"
	AppData     = "app-data"
	Exports     = "exports"
	Logs        = "logs"
	Credentials = "credentials"
	Software    = "software"
)

var (
	always  = []envelope.ID{ReaderKeys, HostKeys, Ledger}
	classes = append([]envelope.ID{AppData, Exports, Logs, Credentials, Software}, always...)
)

// Place is one path to erase, of one class; its parts but the first may be globs.
type Place struct {
	Class envelope.ID `json:"class"`
	Path  string      `json:"path"`
}

// Check refuses a path that no terminal would erase: one that is not plain and
// absolute, the whole system, or a pattern that means any depth. Which folders
// may be erased at all is each terminal's own.
func (p Place) Check() error {
	switch {
	case !path.IsAbs(p.Path) || path.Clean(p.Path) != p.Path || strings.ContainsRune(p.Path, 0):
		return errors.New("the path must be absolute, without dots, doubled slashes or a slash at the end")
	case p.Path == "/":
		return errors.New("the whole system cannot be erased")
	case strings.Contains(p.Path, "**"):
		return errors.New("two stars mean nothing here: a pattern stays within one part of the path")
	case strings.ContainsAny(strings.SplitN(p.Path, "/", 3)[1], `*?[\`):
		return errors.New("the first part of the path may not be a pattern")
	}
	for part := range strings.SplitSeq(p.Path, "/") {
		if _, err := path.Match(part, ""); err != nil {
			return errors.New("the pattern is malformed")
		}
	}
	return nil
}

// Profile is the payload.
type Profile struct {
	Action     envelope.ID   `json:"action"`
	Checklists []envelope.ID `json:"checklists"`
	ID         envelope.ID   `json:"id"`
	Inventory  []Place       `json:"inventory"`
	Papers     []envelope.ID `json:"papers"`  // document types that must have been seen
	Reasons    []envelope.ID `json:"reasons"` // what a command's reason may be
	Scope      []envelope.ID `json:"scope"`   // classes that may be in a command's scope
	Slots      []envelope.ID `json:"slots"`   // key types in the reader that must be erased
	V          int           `json:"v"`
}

// Open verifies a profile against the trust bundle that names it: signatures
// and digest.
func Open(e *envelope.Envelope, t *trust.Trust) (Profile, error) {
	var p Profile
	if _, err := t.Verify(e, Kind); err != nil {
		return p, err
	}
	if err := envelope.Decode(e.Payload, &p); err != nil {
		return p, err
	}
	if t.Profiles[p.ID] != e.Digest() {
		return p, envelope.Refuse("E17", "profile", "cannot use profile %s: the trust bundle names another one", p.ID)
	}
	return p, p.check()
}

func (p *Profile) check() error {
	if p.V != 1 {
		return envelope.Refuse("E07", "profile", "cannot use profile %s: its version is not supported", p.ID)
	}
	for _, class := range always {
		if !slices.Contains(p.Scope, class) {
			return envelope.Refuse("E17", "profile", "cannot use profile %s: %s is not in its scope", p.ID, class)
		}
	}
	for _, place := range p.Inventory {
		if !slices.Contains(classes, place.Class) || !slices.Contains(p.Scope, place.Class) {
			return envelope.Refuse("E17", "profile", "cannot use profile %s: its inventory has a class outside its scope", p.ID)
		}
	}
	return nil
}

func (p *Profile) reasons() (all []string) {
	for _, r := range p.Reasons {
		all = append(all, string(r))
	}
	return all
}

// Admits says whether a command's scope and reason fit the profile; it returns
// the detail of E17 and why, or "".
func (p *Profile) Admits(action, reason envelope.ID, scope []envelope.ID) (detail, why string) {
	switch {
	case action != p.Action:
		return "action", "the profile is for another action"
	case !slices.Contains(p.Reasons, reason):
		return "reason", fmt.Sprintf("reason %s is not in profile %s, which has %s", reason, p.ID, strings.Join(p.reasons(), ", "))
	case !slices.IsSorted(scope):
		return "scope", "the scope is not sorted"
	}
	for _, class := range always {
		if !slices.Contains(scope, class) {
			return "scope", "the scope leaves out " + string(class)
		}
	}
	for _, class := range scope {
		if !slices.Contains(p.Scope, class) {
			return "scope", "the scope goes beyond the profile"
		}
	}
	return "", ""
}
