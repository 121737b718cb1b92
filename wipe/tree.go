package wipe

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// entry erases whatever has this name. It returns an error only when the work
// must stop; what merely cannot be erased is remembered and the rest goes on.
func (w *work) entry(dir int, name string) error {
	if w.ctx.Err() != nil {
		return w.ctx.Err()
	}
	if w.target.keeps(name) {
		w.residual[residualKept] = true
		return nil
	}
	st, err := w.sys.StatAt(dir, name)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		w.fail(fmt.Errorf("cannot examine an item: %w", err))
		return nil
	}
	switch {
	case st.is(unix.S_IFDIR):
		return w.folder(dir, name)
	case st.is(unix.S_IFREG):
		err = w.file(dir, name)
	default:
		// Links, pipes, sockets and devices hold nothing of their own; opening
		// one would reach something else.
		err = w.unlink(dir, name)
	}
	if err != nil {
		w.fail(err)
	}
	return nil
}

// folder erases all in a folder and then the folder. One that holds something
// kept, or something that failed, stays.
func (w *work) folder(parent int, name string) error {
	fd, err := w.place.folder(w.sys, parent, name)
	if err != nil {
		w.fail(err)
		return nil
	}
	empty, err := w.content(fd)
	w.sys.Close(fd)
	if err != nil || !empty {
		return err
	}
	w.note("remove-folder")
	if err := w.sys.RemoveFolder(parent, name); err != nil {
		w.fail(fmt.Errorf("cannot remove a folder: %w", err))
		return nil
	}
	w.items++
	return nil
}

// content erases what a folder holds, flushes it, and tells whether it is
// empty now.
func (w *work) content(fd int) (empty bool, err error) {
	names, err := listed(w.sys, fd)
	if err != nil {
		w.fail(err)
		return false, nil
	}
	before := w.items
	for _, name := range names {
		if err := w.entry(fd, name); err != nil {
			return false, err
		}
	}
	if w.items > before {
		if err := w.syncFolder(fd); err != nil {
			w.fail(err)
			return false, nil
		}
	}
	left, err := listed(w.sys, fd)
	if err != nil {
		w.fail(err)
		return false, nil
	}
	return len(left) == 0, nil
}

func (w *work) unlink(dir int, name string) error {
	w.note("unlink")
	if err := w.sys.Unlink(dir, name); err != nil {
		return fmt.Errorf("cannot unlink an item: %w", err)
	}
	w.items++
	return nil
}

func (w *work) syncFolder(fd int) error {
	w.note("sync-folder")
	if err := w.sys.Sync(fd); err != nil {
		return fmt.Errorf("cannot flush a folder: %w", err)
	}
	return nil
}
