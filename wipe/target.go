package wipe

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// ErrRefused is the reason behind every target that is not even looked at.
var ErrRefused = errors.New("refused")

// Target is what shall be destroyed.
type Target struct {
	Name      string   // what evidence calls it; opaque, such as "ledger"
	Kind      string   // key, data, log, temp, dir or software
	Path      string   // absolute: a file, or a folder with all in it; its parts below the root may be patterns
	Root      string   // Path must lie below it, and nothing outside it is ever touched
	Requested Level    // what the order asks for
	Keep      []string // names (without folder) that stay, with all below them
	Spare     []string // names that its pattern matches and that are no part of it
	Encrypted bool     // never stored in the clear
	Depth     Depth    // how far below the files it may reach
	// Samples gathers needles over several targets of one file system; the one that
	// reaches its medium has them searched for. Nil: only its own are. Whoever gives
	// it has it forget.
	Samples *Samples
	// Budget is how many bytes that search reads at most; 0: searchBudget.
	Budget int64
	// Anyway unlinks also what cannot be overwritten, and takes a pattern that means
	// more folders than are held open. The evidence then says logical of what was not
	// overwritten, and there is nothing left to try again, so it is a last resort.
	Anyway bool
	// Lowered is told, before anything is unlinked, that the evidence will be
	// weaker than a verified overwrite; what it cannot write down is not unlinked.
	Lowered func(to Level, leaves string) error
	// Held is told, once each, who has something of the target open. It is for the
	// log on the spot; evidence holds no more than the word for it.
	Held func(Holder)
}

// Depth is how far below the files an Erase may reach. Looking at the medium is
// allowed at every depth; telling it something is not.
type Depth string

// The depths, each with all of the ones before it.
const (
	DepthFiles  Depth = ""       // through the files alone
	DepthBlocks Depth = "blocks" // their own blocks are discarded, the file system's journal is emptied
	DepthMedium Depth = "medium" // and all free space of the file system is given back to the medium
)

var depths = []Depth{DepthFiles, DepthBlocks, DepthMedium}

func (d Depth) reaches(other Depth) bool {
	return slices.Index(depths, d) >= slices.Index(depths, other)
}

var kinds = []string{"key", "data", "log", "temp", "dir", "software"}

// Check refuses a target that could mean more than was meant. Its error is
// ErrRefused and names no path.
func (t Target) Check() error {
	switch {
	case t.Name == "":
		return fmt.Errorf("%w: the target has no name", ErrRefused)
	case !slices.Contains(kinds, t.Kind):
		return fmt.Errorf("%w: unknown kind of target", ErrRefused)
	case t.Requested.Rank() < 0:
		return fmt.Errorf("%w: unknown level", ErrRefused)
	case !slices.Contains(depths, t.Depth):
		return fmt.Errorf("%w: unknown depth", ErrRefused)
	case !straight(t.Path) || !straight(t.Root):
		return fmt.Errorf("%w: path and root must be absolute, without dots, doubled slashes or a slash at the end", ErrRefused)
	case t.Root == "/" || t.Path == "/":
		return fmt.Errorf("%w: the whole system is no target", ErrRefused)
	case !strings.HasPrefix(t.Path, t.Root+"/"):
		return fmt.Errorf("%w: the path does not lie below its root", ErrRefused)
	case hasPattern(t.Root):
		return fmt.Errorf("%w: the root is a pattern", ErrRefused)
	case strings.Contains(t.Path, "**"):
		return fmt.Errorf("%w: two stars mean any depth elsewhere, and nothing here", ErrRefused)
	}
	folders, last := t.way()
	for _, part := range append(folders, last) {
		if _, err := path.Match(part, ""); err != nil {
			return fmt.Errorf("%w: the pattern is malformed", ErrRefused)
		}
	}
	for _, k := range slices.Concat(t.Keep, t.Spare) {
		if k == "" || strings.ContainsAny(k, "/\x00") {
			return fmt.Errorf("%w: a name to keep or spare is no plain name", ErrRefused)
		}
	}
	return nil
}

func straight(p string) bool {
	return path.IsAbs(p) && path.Clean(p) == p && !strings.ContainsRune(p, 0)
}

func hasPattern(p string) bool { return strings.ContainsAny(p, `*?[\`) }

// way is the folders from the root down to the target's, and the last part.
func (t Target) way() (folders []string, last string) {
	parts := strings.Split(strings.TrimPrefix(t.Path, t.Root+"/"), "/")
	return parts[:len(parts)-1], parts[len(parts)-1]
}

func (t Target) keeps(name string) bool { return slices.Contains(t.Keep, name) }
