package wipe

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// What is made in the folder of a target, and gone again, where the kernel has no
// call for what is wanted. A power cut may leave it; the next erase of the same
// depth begins by removing it.
const (
	ownFill  = ".unbindd-fill"
	ownChurn = ".unbindd-churn"
)

const (
	// fillReserve stays free while free space is filled, so that a program that
	// writes meanwhile does not find the disk full.
	fillReserve = 4 << 20
	// churnRounds of churnFiles empty files, made and removed, were enough to
	// replace all of a journal of 16 MiB.
	churnFiles  = 8000
	churnRounds = 4
)

// fill writes random bytes over the free space, where it cannot be given back. It
// does not reach all of it: besides the reserve ext4 keeps clusters from everybody.
func (w *work) fill() error {
	w.note("fill")
	whole, err := w.filled()
	if whole && err == nil {
		w.rungs[rungFill]++
	}
	return err
}

// filled tells whether everything that could be was written and flushed; its
// error is that what it made is still there.
func (w *work) filled() (whole bool, err error) {
	if err := w.gone(ownFill); err != nil {
		return false, err
	}
	fd, err := w.sys.Create(w.place.fd, ownFill)
	if err != nil {
		return false, nil
	}
	defer func() {
		// xfs gives the blocks of an unlinked file back later, those of an empty one at once.
		_ = w.sys.Truncate(fd)
		w.sys.Close(fd)
		err = w.gone(ownFill)
	}()
	seed, err := w.seed()
	if err != nil {
		return false, nil
	}
	for at := int64(0); ; {
		free, err := w.sys.Space(fd)
		n := min(free-fillReserve, chunk) / 4096 * 4096
		if err != nil || w.ctx.Err() != nil {
			return false, nil
		}
		if n > 0 {
			err = w.write(&opened{fd: fd, pieces: []stretch{{at, at + n}}}, seed)
			at += n
		}
		if n <= 0 || errors.Is(err, unix.ENOSPC) {
			return at > 0 && w.sys.Sync(fd) == nil, nil
		}
		if err != nil {
			return false, nil
		}
	}
}

// churn replaces what a journal holds that cannot be emptied, by having it write
// as much of something else.
// The first round brings folders to their places; what replaces all of a journal
// are the ones at the end, and only they are a rung.
func (w *work) churn(last bool) error {
	w.note("churn")
	whole, err := w.churned(rounds(last))
	if last && whole && err == nil {
		w.rungs[rungChurn]++
	}
	return err
}

func (w *work) churned(rounds int) (whole bool, err error) {
	if err := w.goneFolder(ownChurn); err != nil {
		return false, err
	}
	if err := w.sys.MakeFolder(w.place.fd, ownChurn); err != nil {
		return false, nil
	}
	defer func() { err = w.goneFolder(ownChurn) }()
	dir, err := w.place.folder(w.sys, w.place.fd, ownChurn)
	if err != nil {
		return false, nil
	}
	defer w.sys.Close(dir)
	for range rounds {
		if !w.round(dir) {
			return false, nil
		}
	}
	return true, nil
}

// round makes and removes files, and flushes what that wrote to the journal.
func (w *work) round(dir int) bool {
	name := func(i int) string { return fmt.Sprintf("%08d", i) }
	for i := range churnFiles {
		fd, err := w.sys.Create(dir, name(i))
		if err != nil || w.ctx.Err() != nil {
			return false
		}
		w.sys.Close(fd)
	}
	if w.sys.SyncAll(dir) != nil {
		return false
	}
	for i := range churnFiles {
		if w.sys.Unlink(dir, name(i)) != nil {
			return false
		}
	}
	return w.sys.SyncAll(dir) == nil
}

// gone removes a file that was made here, if it is there.
func (w *work) gone(name string) error {
	err := w.sys.Unlink(w.place.fd, name)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err == nil {
		err = w.sys.Sync(w.place.fd)
	}
	if err != nil {
		return fmt.Errorf("cannot remove what filled the free space: %w", err)
	}
	return nil
}

// goneFolder removes a folder of files that were made here, if it is there.
func (w *work) goneFolder(name string) error {
	dir, err := w.place.folder(w.sys, w.place.fd, name)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err == nil {
		err = w.emptyOf(dir)
		w.sys.Close(dir)
	}
	if err == nil {
		err = w.sys.RemoveFolder(w.place.fd, name)
	}
	if err == nil {
		err = w.sys.Sync(w.place.fd)
	}
	if err != nil {
		return fmt.Errorf("cannot remove what churned the journal: %w", err)
	}
	return nil
}

func (w *work) emptyOf(dir int) error {
	names, err := listed(w.sys, dir)
	for _, name := range names {
		if err := w.sys.Unlink(dir, name); err != nil {
			return err
		}
	}
	return err
}
