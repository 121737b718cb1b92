package wipe

import (
	"fmt"

	"golang.org/x/sys/unix"
)

const (
	// ext4LinkRoom is how long the target of a link may be that lies in its inode; a
	// longer one has a block, which no call overwrites.
	ext4LinkRoom = 59
	// ext4AttrRoom is what a block of attributes needs for other things than the
	// value; one that has no room there has an inode of its own, with the feature
	// ea_inode, and is never overwritten in place.
	ext4AttrRoom = 56
	// manyLinks is of how many links of a target needles are taken.
	manyLinks = 1000
)

// freed takes note that blocks are given free as they are, and of the word for what
// they hold. Only where all free space goes back to the medium does it come to
// nothing.
func (w *work) freed(word string) error {
	w.loose[word] = true
	if w.target.Depth.reaches(DepthMedium) && w.place.probe.CanDiscard && w.trimsAll() {
		return nil
	}
	return w.lower(LevelClear, word)
}

// trimsAll tells whether the device forgets stretches as small as a block; of what is
// smaller than it forgets, the file system gives nothing back.
func (w *work) trimsAll() bool {
	return w.place.probe.Block.Granularity <= uint64(max(w.place.block, 0))
}

// stillLoose are the words for what was freed and did not go back to the medium.
func (w *work) stillLoose() (all []string) {
	if w.rungs[rungTrim] > 0 && w.trimsAll() {
		return nil
	}
	for word := range w.loose {
		all = append(all, word)
	}
	return all
}

// pointed takes note of a link whose target does not fit its inode, and a needle of
// it. Where the journal is not emptied, or on another file system, the word for it is
// there anyhow.
func (w *work) pointed(dir int, name string, st Stat) error {
	if !st.is(unix.S_IFLNK) || st.Size <= ext4LinkRoom || w.place.fs.name != "ext4" || !w.emptiesJournal() {
		return nil
	}
	if err := w.freed(residualNames); err != nil || w.pointers == manyLinks {
		return err
	}
	where, err := w.sys.ReadLink(dir, name)
	if err != nil {
		return w.lower(LevelClear, residualNames) // it will not be searched for
	}
	w.pointers++
	for at := 0; at+needleSize <= len(where); at += needleSize / 2 {
		if needle := []byte(where[at : at+needleSize]); !plainBytes(needle) {
			w.target.Samples.takeFor(residualNames, needle)
			break
		}
	}
	return nil
}

// stays takes note of a folder that held names of the target and is still there with
// others in it. When ext4 splits a block of names it leaves copies behind the last
// one, and they are zeroed only with that; a folder of one block was never split.
func (w *work) stays(fd int) error {
	if w.crowded || !w.emptiesJournal() {
		return nil
	}
	st, err := w.sys.Stat(fd)
	if err != nil {
		return fmt.Errorf("cannot examine a folder: %w", err)
	}
	if st.Size <= st.Block {
		return nil
	}
	names, err := listed(w.sys, fd)
	w.crowded = len(names) > 0
	return err
}
