package agent

import "unbindd/wipe"

// depth is how far below the files the settings let an erase reach.
func (a *Agent) depth() wipe.Depth {
	switch a.Config.Erase.Depth {
	case DepthBlocks:
		return wipe.DepthBlocks
	case DepthMedium:
		return wipe.DepthMedium
	}
	return wipe.DepthFiles
}

// deepen lets each target that is still to be erased reach as far as the settings
// say. Free space is given back once for each file system, after the last of them
// on it, and then searched for needles of them all: also of those that an earlier
// try was done with. A target that failed is the last one when it is tried again.
func (a *Agent) deepen(targets []target, done map[string]bool) {
	trimmed := map[uint64]bool{}
	if a.samples == nil {
		a.samples = map[uint64]*wipe.Samples{}
	}
	for i := len(targets) - 1; i >= 0; i-- {
		t := &targets[i]
		if t.Depth = a.depth(); t.Depth != wipe.DepthMedium || done[t.Name] {
			continue
		}
		home, err := wipe.Home(a.Sys, t.Target)
		if err != nil {
			t.Depth = wipe.DepthBlocks // the erase will meet the same, and tell it
			continue
		}
		if trimmed[home] {
			t.Depth = wipe.DepthBlocks
		}
		if a.samples[home] == nil {
			a.samples[home] = new(wipe.Samples)
		}
		trimmed[home], t.Samples = true, a.samples[home]
	}
}

// forgetSamples ends the needles of a step, which are content.
func (a *Agent) forgetSamples() {
	for _, s := range a.samples {
		s.Forget()
	}
	a.samples = nil
}

// erased tells which targets have their evidence already.
func (a *Agent) erased(targets []target) (done map[string]bool, err error) {
	done = map[string]bool{}
	for _, t := range targets {
		var ev wipe.Evidence
		if done[t.Name], err = a.journal.Get(noteMedia+t.Name, &ev); err != nil {
			return nil, err
		}
	}
	return done, nil
}

// nameHolder writes into the log who has something of a target open. In the
// certificate a code word says no more than that somebody had.
func (a *Agent) nameHolder(name string) func(wipe.Holder) {
	return func(h wipe.Holder) {
		a.Log.Warn().Str("target", name).Str("program", h.Program).Int("pid", h.PID).Bool("writes", h.Writes).Bool("deleted", h.Deleted).
			Msg("has files of it open while it is erased")
	}
}
