package lab

import "unbindd/wipe"

// mediumSteps says that wipe.Erase also acts on the file system around a file:
// ext4's journal emptied (also between unlink and rmdir), free space given back to
// the medium, extended attributes overwritten and removed. Without these, words
// stay in the journal and in blocks that were freed long before the erase, and no
// file alone can reach them. It has them, so the stricter expectations hold and
// nothing is excused.
const mediumSteps = true

// deepest has an erase reach as far below the files as it can.
func deepest(t wipe.Target) wipe.Target {
	t.Depth = wipe.DepthMedium
	return t
}

// strict is what a method of ours may leave nothing of.
func (f form) strict(m method) []kind {
	if mediumSteps && m.deep {
		return append(append([]kind{}, f.zero...), f.steps...)
	}
	return f.zero
}

// excused is what ours leaves and does not tell.
func (f form) excused() []kind {
	if mediumSteps {
		return nil
	}
	return f.untold
}

// oursOnly are the ways to have ours erase: one, as long as there is only one depth.
var oursOnly = func() []method {
	if mediumSteps {
		return []method{byFiles, ours}
	}
	return []method{ours}
}()
