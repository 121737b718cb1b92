// Package wipe destroys files and folders and says what it really did.
//
// It promises that evidence is never better than the deed: a level is claimed
// only for what was overwritten in place, flushed, read back and unlinked, on a
// file system where that reaches the blocks, and one file that fails pulls the
// whole target down. It never leaves the target's root, never follows a link,
// never crosses into another file system, and may be repeated at any time:
// what is gone already is evidence too. It never claims Purge; that needs a key
// in hardware or a device that was told to forget.
//
// The order within a file is fixed, and each step waits for the one before:
//
//	open -> overwrite -> flush -> read back -> truncate -> flush -> unlink -> flush the folder
//
// There is no rename before unlink: on journalling file systems it multiplies
// the copies of the name.
//
//	wipe.go        Erase: one target from order to evidence
//	target.go      Target, and which targets are refused
//	evidence.go    Level and Evidence
//	file.go        one file
//	tree.go        folders, links, and what else has a name
//	place.go       the way from the root down to the target
//	filesystem.go  what overwriting is worth on which file system
//	survey.go      Look and Dry: what is there, without touching it
//	sys.go         Sys: the kernel as this package sees it
//	kernel.go      Kernel: the real one
//	extents.go     where a file's blocks lie
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
	files    bool            // at least one regular file was removed
	residual map[string]bool // what is left behind besides what the file system always leaves
}

// Erase destroys the target and tells what was done. note, which may be nil,
// hears of each operation before it happens, without any name: it is where
// progress is shown and where a test cuts the power. Erase returns no error,
// because a failed erase is evidence like any other; Evidence.Reason says why.
func Erase(ctx context.Context, sys Sys, t Target, note func(op string)) Evidence {
	w := &work{ctx: ctx, sys: sys, target: t, note: note, weakest: LevelClear, residual: map[string]bool{}}
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
	return w.told(p.fs, w.all())
}

// all erases every name of the target, and then looks whether one is left.
func (w *work) all() error {
	names, err := w.place.names(w.sys, w.target)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := w.entry(w.place.fd, name); err != nil {
			return err
		}
	}
	if w.items > 0 {
		if err := w.syncFolder(w.place.fd); err != nil {
			return err
		}
	}
	if w.failed > 0 {
		return nil // it is known already that something is left
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
		w.weakest = to
	}
	w.residual[leaves] = true
	if w.target.Lowered == nil {
		return nil
	}
	return w.target.Lowered(to, leaves)
}
