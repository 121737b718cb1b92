package agent

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"unbindd/agent/envelope"
	"unbindd/agent/profile"
)

// Outside is a place of a profile's inventory that this terminal would not erase,
// because no folder of erase.roots holds it. It is for people on this machine: a path
// may tell a merchant's name, and stands in no log and in nothing that is sent.
type Outside struct {
	Profiles string // the names of those that have it
	Place    int    // in the inventory, counted from 1
	Class    envelope.ID
	Path     string
	Root     string // the folder that would hold it; "" where no setting could
}

// mend says what to do about it.
func (o Outside) mend() string {
	switch {
	case slices.Contains(tooWide, o.Root):
		return fmt.Sprintf("no root should hold all of %s; have the profile changed, or the data moved into a folder of its own", o.Root)
	case o.Root != "":
		return fmt.Sprintf("add %s to erase.roots, which opens everything below it to every signed profile, or have the profile changed", o.Root)
	}
	return "no setting allows that; have the profile changed"
}

func (o Outside) String() string {
	return fmt.Sprintf("%s at %s (place %d of the inventory of profile %s) lies outside erase.roots, so that a command by it is refused (E17:inventory): %s",
		o.Class, o.Path, o.Place, o.Profiles, o.mend())
}

// tooWide are folders that others than the terminal's own programs live in: nobody is
// told to open one of them to every profile.
var tooWide = []string{"/", "/boot", "/data", "/etc", "/home", "/opt", "/root", "/srv", "/usr", "/var", "/var/lib"}

// OutsideRoots lists such places of every profile that a terminal believes in, before
// anybody needs them; of one that is bound to nobody there are none.
func OutsideRoots(c Config) (out []Outside, err error) {
	id, bound, err := loadIdentity(places{c.StateDir})
	if err != nil || !bound {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(id.profiles)) {
		p, err := profile.Open(id.profiles[name], id.trust)
		if err != nil {
			continue // nothing can be ordered by it
		}
		for i, place := range p.Inventory {
			if _, ok := c.Erase.root(place.Path); !ok {
				out = with(out, Outside{Profiles: string(name), Place: i + 1, Class: place.Class, Path: place.Path, Root: c.Erase.rootFor(place.Path)})
			}
		}
	}
	return out, nil
}

// with tells a place that several profiles have once.
func with(all []Outside, o Outside) []Outside {
	for i, have := range all {
		if have.Place == o.Place && have.Class == o.Class && have.Path == o.Path {
			all[i].Profiles += ", " + o.Profiles
			return all
		}
	}
	return append(all, o)
}

// root is the folder of the settings below which a path may be erased.
func (e Erase) root(path string) (string, bool) {
	if !filepath.IsAbs(path) || filepath.Clean(path) != path {
		return "", false
	}
	for _, root := range e.Roots {
		if root = filepath.Clean(root); root != "/" && strings.HasPrefix(path, root+"/") {
			return root, true
		}
	}
	return "", false
}

// rootFor is the folder that would have to be among them: the closest one that is no
// pattern.
func (e Erase) rootFor(path string) string {
	root := filepath.Dir(path)
	for strings.ContainsAny(root, `*?[\`) {
		root = filepath.Dir(root)
	}
	if _, ok := (Erase{Roots: []string{root}}).root(path); !ok {
		return ""
	}
	return root
}
