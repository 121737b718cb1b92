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

// deepen lets each target reach as far as the settings say. Free space is given
// back once for each file system, after the last target on it, and then searched
// for needles of them all.
func (a *Agent) deepen(targets []target) {
	trimmed, samples := map[uint64]bool{}, map[uint64]*wipe.Samples{}
	for i := len(targets) - 1; i >= 0; i-- {
		t := &targets[i]
		if t.Depth = a.depth(); t.Depth != wipe.DepthMedium {
			continue
		}
		home, err := wipe.Home(a.Sys, t.Target)
		if err != nil {
			t.Depth = wipe.DepthBlocks // the erase will meet the same, and tell it
			continue
		}
		if trimmed[home] {
			t.Depth = wipe.DepthBlocks
		} else {
			samples[home] = new(wipe.Samples)
		}
		trimmed[home], t.Samples = true, samples[home]
	}
}

// nameHolder writes into the log who has something of a target open. In the
// certificate a code word says no more than that somebody had.
func (a *Agent) nameHolder(name string) func(wipe.Holder) {
	return func(h wipe.Holder) {
		a.Log.Warn().Str("target", name).Str("program", h.Program).Int("pid", h.PID).Bool("writes", h.Writes).Bool("deleted", h.Deleted).
			Msg("has files of it open while it is erased")
	}
}
