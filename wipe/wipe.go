// Package wipe destroys files and folders and says what it really did.
//
// It promises that evidence is never better than the deed: a level is claimed
// only for what was overwritten in place, flushed, read back and unlinked, on a
// file system where that reaches the blocks, and one file that fails pulls the
// whole target down. It never leaves the target's root, never follows a link,
// never crosses into another file system, and may be repeated at any time:
// what is gone already is evidence too. No erase of a file claims Purge; that needs
// a key in hardware (KeyInVault, of which none is built in) or a device that was
// told to forget.
//
// The order within a file is fixed, and each step waits for the one before:
//
//	open -> attributes -> discard -> overwrite -> flush -> read back -> truncate -> flush -> unlink -> flush the folder
//
// The discard comes before the overwrite, because a flash puts the page that is
// overwritten aside, out of reach of any later discard. Folders go after all
// files, with the journal emptied in between and after them. There is no rename
// before unlink: on journalling file systems it multiplies the copies of the name.
//
//	wipe.go           Erase: one target from order to evidence
//	target.go         Target, and which targets are refused
//	evidence.go       Level and Evidence
//	overall.go        Overall: the weakest of several
//	tree.go           folders, links, and what else has a name
//	file.go           one file
//	attributes.go     flags that forbid, and extended attributes
//	freed.go          what lies in blocks that are only given free
//	stream.go         what is written and compared; room.go the memory for it
//	needles.go        samples of the content, and whether the medium shows it
//	medium.go         the device read back, the journal, the free space
//	search.go         needles looked for where no file leads to; ext4.go and xfs.go where a journal lies
//	ladder.go         the rungs, and the discard
//	churn.go          what is done where the kernel has no call for it
//	holders.go        who has it open
//	swap.go           swap areas that are files
//	nameless.go       content that lost its name and is held open
//	place.go          the way from the root down to the target; ends.go where patterns lead
//	locked.go         encrypted folders without their key
//	filesystem.go     what overwriting is worth on which file system
//	probe.go          Probe: what is known of a place
//	mounts.go         the kernel's list of mounts
//	extents.go        where a file's blocks lie
//	survey.go         Look and Dry: what is there, without touching it
//	plan.go           PlanFor: what would be done, how well, and what is in the way
//	key.go, vault.go  KeyDestroyer: a key in a file, a key in hardware
//	hindrance.go      what is in the way, in codes
//	around.go         Around: what keeps copies that no path leads to
//	sys.go            Sys: the kernel as this package sees it
//	kernel.go, kernel_file.go, kernel_medium.go, kernel_map.go, kernel_proc.go, kernel_reading.go,
//	kernel_swap.go, kernel_fscrypt.go
//	                  Kernel: the real one
package wipe

import (
	"context"
	"fmt"
)

// work is one Erase under way.
type work struct {
	ctx    context.Context
	sys    Sys
	target Target
	note   func(op string)

	place    *place
	items    int64 // removed
	bytes    int64 // overwritten and read back
	failed   int64
	first    error           // of those that failed
	weakest  Level           // of what was removed
	because  string          // the word for what made it so, where the file system allows more
	files    bool            // at least one regular file was removed
	residual map[string]bool // what is left behind besides what the file system always leaves
	dirty    map[int]bool    // open folders that a name went from
	swapped  map[Inode]bool  // swap areas in use
	settled  map[int]bool    // open folders that were flushed

	nameless bool             // the names of what was removed are overwritten too
	crowded  bool             // but for copies in a folder that stays
	loose    map[string]bool  // words for what lies in blocks that were only freed
	held     int64            // files that held something and are gone
	rungs    map[string]int64 // in how many of them each rung was climbed
	holds    map[Inode][]Holding
	named    map[int]bool // processes that the caller was told of

	room room // for what is written and read

	block                   int // the device under the file system, -1 while it is not open
	blockTried, blockWrites bool
	sampled                 int // needles that were looked for
	journal                 *journal
	together                bool // its needles are searched for with those of other targets
	pointers                int  // links of which a needle was taken
	unsampled               bool // something held content, and gave no needle

	ghosts               int    // files without a name that were overwritten
	searched, searchable int64  // bytes where no file leads to, read for needles, and in all
	shows                string // what the search found
}

// Erase destroys the target and tells what was done. note, which may be nil,
// hears of each operation before it happens, without any name: it is where
// progress is shown and where a test cuts the power. Erase returns no error,
// because a failed erase is evidence like any other; Evidence.Reason says why.
func Erase(ctx context.Context, sys Sys, t Target, note func(op string)) Evidence {
	w := &work{
		ctx: ctx, sys: sys, target: t, note: note, weakest: LevelClear, block: -1,
		residual: map[string]bool{}, loose: map[string]bool{}, rungs: map[string]int64{}, dirty: map[int]bool{}, settled: map[int]bool{}, named: map[int]bool{},
	}
	w.together = t.Samples != nil
	if !w.together {
		w.target.Samples = &Samples{}
		defer w.target.Samples.Forget()
	}
	if w.note == nil {
		w.note = func(string) {}
	}
	if err := t.Check(); err != nil {
		return w.told(unknownFilesystem, err)
	}
	p, err := openPlace(sys, t)
	if err != nil {
		return w.told(unknownFilesystem, err)
	}
	defer p.close(sys)
	w.place = p
	defer w.closeBlock()
	defer w.room.close()
	return w.told(p.fs, w.all())
}

// all erases every name of the target, and then looks whether one is left. The
// folder is flushed and the rungs of the file system are climbed even where no
// name is left: an earlier run may have been cut just before them.
func (w *work) all() error {
	if w.place.fd < 0 {
		return nil
	}
	parts, err := w.place.parts(w.sys, w.target)
	if err != nil {
		return err
	}
	if err := w.watch(); err != nil {
		return err
	}
	w.swaps()
	if parts, err = w.inTurn(parts, w.contents); err != nil {
		return err
	}
	if err := w.settle(false); err != nil {
		return err
	}
	if _, err := w.inTurn(parts, w.folders); err != nil {
		return err
	}
	if err := w.settle(true); err != nil {
		return err
	}
	if err := w.trim(); err != nil {
		return err
	}
	if w.failed > 0 {
		return nil // it is known already that something is left
	}
	if err := w.search(); err != nil {
		return err
	}
	return w.lookAgain()
}

// inTurn does something to all parts of the target, those of so many folders at a
// time as are held open, and comes back to the first ones.
func (w *work) inTurn(parts []part, do func([]part) error) ([]part, error) {
	for more := true; ; {
		err := do(parts)
		if err == nil {
			more, err = w.place.next(w.sys, w.target)
		}
		if err != nil || !more && w.place.first == 0 {
			return parts, err
		}
		if !more {
			err = w.place.turn(w.sys, w.target, 0)
		}
		if err != nil {
			return nil, err
		}
		// The numbers of the folders that were closed belong to others now.
		clear(w.dirty)
		clear(w.settled)
		if parts, err = w.place.parts(w.sys, w.target); err != nil || !more {
			return parts, err
		}
	}
}

// lookAgain looks at the end whether a name is left, and who still holds what
// has lost its own.
func (w *work) lookAgain() error {
	if err := w.watchAgain(); err != nil {
		return err
	}
	left, err := Look(w.sys, w.target)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		w.fail(fmt.Errorf("%d names are still there", len(left)))
	}
	return nil
}

// fail remembers that something of the target could not be erased; the rest
// goes on.
func (w *work) fail(err error) {
	w.failed++
	if w.first == nil {
		w.first = err
	}
}

// lower takes note of something that was removed with less than a verified
// overwrite.
// It returns an error when that could not be told: then nothing is removed.
func (w *work) lower(to Level, leaves string) error {
	if to.Rank() < w.weakest.Rank() {
		w.weakest, w.because = to, leaves
	}
	w.residual[leaves] = true
	if w.target.Lowered == nil {
		return nil
	}
	return w.target.Lowered(to, leaves)
}
