package agent

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"unbindd/agent/envelope"
	"unbindd/agent/keys"
	"unbindd/agent/profile"
	"unbindd/wipe"
)

// dataTargets are the ledger, the spool and the inventory without the software.
func (a *Agent) dataTargets(c *caseFile) ([]target, error) {
	own, err1 := a.ownData()
	places, err2 := a.inventory(c, false)
	return append(own, places...), errors.Join(err1, err2)
}

// ownData are the ledger, the spool, and whatever else lies in the state
// directory and is not ours to keep: what a cut left of a file that was being
// written, and what a crash or a person put there.
func (a *Agent) ownData() ([]target, error) {
	kept, err := a.at.kept()
	return []target{
		{class: profile.Ledger, Target: wipe.Target{Name: "leavings", Kind: "temp", Path: filepath.Join(a.at.root, "*"), Root: a.at.root, Requested: wipe.LevelClear, Spare: kept, Keep: a.settings()}},
		{class: profile.Ledger, Target: wipe.Target{Name: "ledger", Kind: "data", Path: a.at.ledger(), Root: a.at.root, Requested: wipe.LevelClear, Encrypted: true}},
		{class: profile.Ledger, Target: wipe.Target{Name: "spool", Kind: "data", Path: a.at.spool(), Root: a.at.root, Requested: wipe.LevelClear, Encrypted: true}},
	}, err
}

// settings are the names of a settings file that lies in the state directory: its
// own, and that of what it links to.
func (a *Agent) settings() (names []string) {
	if a.Misplaced == "" {
		return nil
	}
	names = []string{filepath.Base(a.Misplaced)}
	if at, err := filepath.EvalSymlinks(a.Misplaced); err == nil && filepath.Base(at) != names[0] {
		names = append(names, filepath.Base(at))
	}
	return names
}

// allTargets is everything of the host that is erased before the certificate.
func (a *Agent) allTargets(c *caseFile) ([]target, error) {
	data, err := a.dataTargets(c)
	if err != nil {
		return nil, err
	}
	software, err := a.inventory(c, true)
	return slices.Concat(a.keyTargets(keys.Data, "data-key"), data, software), err
}

// inventory are the profile's places in the command's scope. Targets are named
// by class and number: a path may tell a merchant's name.
func (a *Agent) inventory(c *caseFile, software bool) ([]target, error) {
	var o opened
	if ok, err := a.journal.Get(noteOpened, &o); err != nil || !ok {
		return nil, errors.Join(errors.New("cannot read the inventory: the point of no return was not crossed"), err)
	}
	p := o.Profile
	var out []target
	for i, place := range p.Inventory {
		if !slices.Contains(c.command.Scope, place.Class) || (place.Class == profile.Software) != software {
			continue
		}
		root, ok := a.rootOf(place.Path)
		if !ok {
			return nil, fmt.Errorf("cannot erase place %d of the inventory: it is outside erase.roots, the folders that may be erased", i+1)
		}
		out = append(out, target{class: place.Class, Target: wipe.Target{
			Name: fmt.Sprintf("%s-%d", place.Class, i+1), Kind: kindOf(place.Class), Path: place.Path, Root: root, Requested: wipe.LevelClear,
		}})
	}
	return out, nil
}

func kindOf(class envelope.ID) string {
	switch class {
	case profile.Software:
		return "software"
	case profile.Logs:
		return "log"
	case profile.Credentials:
		return "key"
	}
	return "data"
}

// mayErase says whether a path lies below a folder that may be erased.
func (a *Agent) mayErase(path string) bool {
	_, ok := a.rootOf(path)
	return ok
}

func (a *Agent) rootOf(path string) (string, bool) { return a.Config.Erase.root(path) }
