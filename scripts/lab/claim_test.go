package lab

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"unbindd/wipe"
)

// sayings are the code words of residual by which a report has said that words of
// a kind may be left. A journal's copy of anything is journal-copies.
var sayings = map[kind][]string{
	replaced: {"old-versions", "old-versions-encrypted"},
	named:    {"names"},
	attr:     {"xattrs", "journal-copies"},
	link:     {"names", "journal-copies"}, // its target is a name
	content:  {"journal-copies"},
	former:   {"journal-copies"},
	logged:   {"journal-copies"},
	freed:    {"journal-copies"},
}

// without is a count that leaves some kinds out.
func (c count) without(some []kind) count {
	if c == nil {
		return nil
	}
	rest := maps.Clone(c)
	for _, k := range some {
		delete(rest, k)
	}
	return rest
}

// overclaims holds a report against what was found on the raw medium, and says
// what it claims too much. disk is what a reader of the device finds; flash, which
// may be nil, is what somebody finds who reads the chips.
func overclaims(e wipe.Evidence, disk, flash count) string {
	level := e.LevelAchieved.Rank()
	if level < 0 {
		return fmt.Sprintf("level %q is none", e.LevelAchieved)
	}
	if level > wipe.LevelLogical.Rank() && e.Verified != wipe.Pass {
		return fmt.Sprintf("level %s without a verification that passed", e.LevelAchieved)
	}
	if level > wipe.LevelClear.Rank() && disk.all()+flash.all() > 0 {
		return fmt.Sprintf("level %s, and there are: %s; flash: %s", e.LevelAchieved, disk, flash)
	}
	if level < wipe.LevelClear.Rank() {
		return ""
	}
	for _, k := range kinds {
		if disk[k] > 0 && !says(e, sayings[k]...) {
			return fmt.Sprintf("level %s with residual %v, and of %s there are %d", e.LevelAchieved, e.Residual, k, disk[k])
		}
		if flash[k] > disk[k] && !says(e, "stale-flash", "stale-flash-encrypted") {
			return fmt.Sprintf("level %s with residual %v, and the flash holds %d of %s", e.LevelAchieved, e.Residual, flash[k], k)
		}
	}
	return ""
}

func says(e wipe.Evidence, any ...string) bool {
	return slices.ContainsFunc(e.Residual, func(r string) bool { return slices.Contains(any, r) })
}

// The judge itself: what must be told as too much, and what must not.
func TestAReportThatClaimsTooMuchIsSeen(t *testing.T) {
	left := func(k kind) count { return count{k: 1} }
	for name, c := range map[string]struct {
		level       wipe.Level
		verified    string
		residual    []string
		disk, flash count
		tooMuch     bool
	}{
		"clear, nothing left":             {wipe.LevelClear, wipe.Pass, nil, count{}, nil, false},
		"clear, content left":             {wipe.LevelClear, wipe.Pass, []string{"names", "old-versions", "stale-flash"}, left(content), nil, true},
		"clear, content in the journal":   {wipe.LevelClear, wipe.Pass, []string{"journal-copies"}, left(content), nil, false},
		"clear, freed pages left":         {wipe.LevelClear, wipe.Pass, []string{"names"}, left(freed), nil, true},
		"clear, a name left and not told": {wipe.LevelClear, wipe.Pass, nil, left(named), nil, true},
		"clear, a name left and told":     {wipe.LevelClear, wipe.Pass, []string{"names"}, left(named), nil, false},
		"clear, an attribute not told":    {wipe.LevelClear, wipe.Pass, []string{"names"}, left(attr), nil, true},
		"clear, old versions not told":    {wipe.LevelClear, wipe.Pass, []string{"names"}, left(replaced), nil, true},
		"clear, nobody looked":            {wipe.LevelClear, wipe.Unknown, nil, count{}, nil, true},
		"clear, flash not told":           {wipe.LevelClear, wipe.Pass, []string{"names"}, count{}, left(content), true},
		"clear, flash told":               {wipe.LevelClear, wipe.Pass, []string{"stale-flash"}, count{}, left(content), false},
		"purge, the flash holds a name":   {wipe.LevelPurgeAsserted, wipe.Pass, []string{"names", "stale-flash"}, count{}, left(named), true},
		"purge, nothing left":             {wipe.LevelPurgeVerified, wipe.Pass, nil, count{}, count{}, false},
		"logical, everything left":        {wipe.LevelLogical, wipe.Pass, nil, left(content), left(content), false},
		"none, everything left":           {wipe.LevelNone, wipe.Fail, nil, left(content), nil, false},
		"no level at all":                 {"best", wipe.Pass, nil, count{}, nil, true},
	} {
		e := wipe.Evidence{LevelAchieved: c.level, Verified: c.verified, Residual: c.residual}
		if got := overclaims(e, c.disk, c.flash); (got != "") != c.tooMuch {
			t.Errorf("%s: %q", name, got)
		}
	}
}
