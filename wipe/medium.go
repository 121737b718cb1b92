package wipe

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// openBlock opens the device under the file system, to write where the target
// reaches that far and the device lets us, else to read.
func (w *work) openBlock() bool {
	if w.block >= 0 || w.blockTried {
		return w.block >= 0
	}
	w.blockTried = true
	dev := w.place.dev
	if w.target.Depth.reaches(DepthBlocks) && (w.place.probe.CanDiscard || w.place.probe.CanZero) {
		if fd, err := w.sys.OpenBlock(dev, true); err == nil {
			w.block, w.blockWrites = fd, true
			return true
		}
	}
	fd, err := w.sys.OpenBlock(dev, false)
	if err != nil {
		return false
	}
	w.block = fd
	return true
}

func (w *work) closeBlock() {
	if w.block >= 0 {
		w.sys.Close(w.block)
	}
	w.block = -1
}

// allShown tells whether every extent that will be read back was seen to be the
// file's place.
func (o *opened) allShown() bool {
	for i, e := range o.before {
		written := e.Flags&extentUnwritten == 0 && e.Logical < uint64(o.st.Size)
		if written && !o.shown[i] {
			return false
		}
	}
	return slices.Contains(o.shown, true)
}

// readMedium reads the blocks of the file from the device itself, where they lay
// before and must lie still, looks for the needles, and compares with what was
// written. The file still owns them: after the unlink they may be another's.
func (w *work) readMedium(o *opened, after []Extent, seed [32]byte) error {
	random, hits := w.pattern(seed, o.pieces), 0
	after = joined(after)
	err := w.eachRead(o.pieces, func(p []byte, at int64) error { return w.readPlaces(after, p, at) }, func(p []byte, at int64) error {
		hits += o.window.found(p)
		if hits == 0 && !bytes.Equal(p, random.at(at, len(p))) {
			return errOther
		}
		return nil
	})
	if err == nil && hits > 0 {
		err = fmt.Errorf("%d of %d needles are still on the medium", hits, o.window.count)
	}
	if err == nil {
		w.sampled += o.window.count
		o.climb(rungMedium)
		o.climb(rungNeedles)
	}
	return err
}

// readPlaces reads a stretch of a file from where it lies on the device.
func (w *work) readPlaces(extents []Extent, p []byte, at int64) error {
	for done := 0; done < len(p); {
		place, length, ok := placeOf(extents, uint64(at)+uint64(done))
		if !ok {
			return errors.New("a part of it has no place on the medium")
		}
		k := int(min(length, uint64(len(p)-done)))
		if err := w.readAll(w.block, p[done:done+k], int64(place)); err != nil {
			return err
		}
		done += k
	}
	return nil
}

// placeOf tells where a byte of the file lies, and how many follow it there.
func placeOf(extents []Extent, at uint64) (place, length uint64, ok bool) {
	for _, e := range extents {
		if at >= e.Logical && at-e.Logical < e.Length {
			return e.Physical + at - e.Logical, e.Length - (at - e.Logical), true
		}
	}
	return 0, 0, false
}

// emptiesJournal tells whether the journal will be emptied before the end, so
// that content in it needs no word. A checkpoint that then fails is a failure.
func (w *work) emptiesJournal() bool {
	return w.target.Depth.reaches(DepthBlocks) && w.place.probe.CanCheckpoint
}

// settle flushes the file system and empties its journal. Between unlink and
// rmdir this brings the blocks of folders, with their zeroed names, to their
// places; a folder that is removed at once is never written there again, and
// keeps the old names. Afterwards it takes the names out of the journal.
func (w *work) settle(last bool) error {
	if !w.target.Depth.reaches(DepthBlocks) {
		return nil
	}
	w.note("sync-all")
	if err := w.sys.SyncAll(w.place.fd); err != nil {
		return fmt.Errorf("cannot flush the file system: %w", err)
	}
	if !w.emptiesJournal() {
		// Older than Linux 5.14, no right to, or another file system: the word "names" stays.
		if w.place.fs.name == "ext4" && w.target.Depth.reaches(DepthMedium) {
			return w.churn(last)
		}
		return nil
	}
	w.note("checkpoint")
	if !last {
		return w.checkpoint(0)
	}
	// A discard reaches pages that writing zeros would only put aside; many
	// devices do not take it, and none says what it then reads.
	if w.place.probe.CanDiscard {
		_ = w.checkpoint(checkpointDiscard)
	}
	if err := w.checkpoint(checkpointZeroes); err != nil {
		return err
	}
	w.rungs[rungCheckpoint]++
	w.nameless = true
	return nil
}

// rounds is how much of something else a journal is given to write: enough to
// bring folders to their places, and in the end enough to replace all it holds.
func rounds(last bool) int {
	if last {
		return churnRounds
	}
	return 1
}

func (w *work) checkpoint(flags uint32) error {
	err := w.sys.Checkpoint(w.place.fd, flags)
	if errors.Is(err, unix.ENODEV) {
		return nil // there is no journal
	}
	if err != nil {
		return fmt.Errorf("cannot empty the journal: %w", err)
	}
	return nil
}

// trim gives the free space back, old versions of files and of folders with it,
// or fills it where nobody takes it. What cannot is told by a technique without
// the word; what a medium does with what it was given is not seen, so that
// "old-versions" stays in any case.
func (w *work) trim() error {
	if !w.target.Depth.reaches(DepthMedium) {
		return nil
	}
	w.note("trim")
	_, err := w.sys.Trim(w.place.fd)
	switch {
	case err == nil:
		w.rungs[rungTrim]++
	case w.place.probe.CanRaw: // filled memory, or a layer in between, would reach nothing and harm
		return w.fill()
	}
	return nil
}
