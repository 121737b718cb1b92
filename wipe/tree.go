package wipe

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// contents erases all that is no folder in the folders that the target's names
// live in, and below them.
func (w *work) contents(parts []part) error {
	for _, in := range parts {
		for _, name := range in.names {
			if err := w.entry(in.fd, name); err != nil {
				return err
			}
		}
		if err := w.syncFolder(in.fd); err != nil {
			return err
		}
	}
	return nil
}

// entry erases whatever has this name, but leaves folders standing. It returns
// an error only when the work must stop; what merely cannot be erased is
// remembered and the rest goes on.
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
		return w.below(dir, name)
	case st.is(unix.S_IFREG):
		err = w.file(dir, name)
	default:
		// Pipes, sockets and devices hold nothing of their own but attributes, and a
		// link no more than a name; opening one would reach something else.
		if err = w.bareLink(dir, name, st); err == nil {
			err = w.pointed(dir, name, st)
		}
		if err == nil {
			err = w.unlink(dir, name)
		}
	}
	if err != nil {
		w.fail(err)
	}
	return nil
}

// below erases what a folder holds, but for the folders in it, and flushes it.
func (w *work) below(parent int, name string) error {
	fd, err := w.place.folder(w.sys, parent, name)
	if err != nil {
		w.fail(err)
		return nil
	}
	defer w.sys.Close(fd)
	names, err := w.prepared(fd)
	if err != nil {
		w.fail(err)
		return nil
	}
	w.dirty[fd] = true // a try that was cut may have taken a name from it
	for _, name := range names {
		if err := w.entry(fd, name); err != nil {
			return err
		}
	}
	if err := w.syncFolder(fd); err != nil {
		w.fail(err)
	}
	return nil
}

// prepared makes a folder changeable, takes its attributes, and lists it.
func (w *work) prepared(fd int) ([]string, error) {
	if _, err := w.free(fd); err != nil {
		return nil, err
	}
	if err := w.bare(fd); err != nil {
		return nil, err
	}
	return listed(w.sys, fd)
}

// folders removes the folders of the target, the deepest first. One that holds
// something kept, or something that failed, stays.
func (w *work) folders(parts []part) error {
	for _, in := range parts {
		for _, name := range in.names {
			if err := w.folder(in.fd, name); err != nil {
				return err
			}
		}
		if err := w.syncFolder(in.fd); err != nil {
			return err
		}
		if !w.settled[in.fd] {
			if err := w.syncAbsent(in.fd); err != nil {
				return err
			}
		}
		if err := w.stays(in.fd); err != nil {
			return err
		}
	}
	if len(parts) == 0 {
		return w.syncAbsent(w.place.fd)
	}
	return nil
}

// syncAbsent flushes the folder in which nothing of the target was found: whoever
// took it away may have been cut just before that, and a power cut would bring
// the name back. A file system that knows no such flush says EINVAL; one that
// went read-only has kept nothing.
func (w *work) syncAbsent(fd int) error {
	w.dirty[fd] = true
	if err := w.syncFolder(fd); !errors.Is(err, unix.EINVAL) {
		return err
	}
	return nil
}

// folder removes one folder, if that is what has this name. What stands in the
// way was remembered when its content was erased; only what is new is told.
func (w *work) folder(parent int, name string) error {
	if w.ctx.Err() != nil {
		return w.ctx.Err()
	}
	if w.target.keeps(name) {
		return nil
	}
	st, err := w.sys.StatAt(parent, name)
	if errors.Is(err, unix.ENOENT) || err == nil && !st.is(unix.S_IFDIR) {
		return nil
	}
	if err != nil {
		w.failNew(fmt.Errorf("cannot examine an item: %w", err))
		return nil
	}
	fd, err := w.place.folder(w.sys, parent, name)
	if err != nil {
		w.failNew(err)
		return nil
	}
	empty, err := w.emptied(fd)
	if err == nil && !empty {
		if serr := w.stays(fd); serr != nil {
			w.failNew(serr)
		}
	}
	w.sys.Close(fd)
	if err != nil || !empty {
		return err
	}
	w.note("remove-folder")
	if err := w.sys.RemoveFolder(parent, name); err != nil {
		w.failNew(fmt.Errorf("cannot remove a folder: %w", err))
		return nil
	}
	w.items++
	w.dirty[parent] = true
	return nil
}

// emptied removes the folders in a folder and tells whether nothing is left.
func (w *work) emptied(fd int) (empty bool, err error) {
	names, err := listed(w.sys, fd)
	if err != nil {
		w.failNew(err)
		return false, nil
	}
	if len(names) == 0 {
		return true, nil
	}
	for _, name := range names {
		if err := w.folder(fd, name); err != nil {
			return false, err
		}
	}
	if err := w.syncFolder(fd); err != nil {
		w.failNew(err)
		return false, nil
	}
	left, err := listed(w.sys, fd)
	if err != nil {
		w.failNew(err)
		return false, nil
	}
	return len(left) == 0, nil
}

// failNew remembers a failure among the folders, unless one of the files in them
// has failed already and explains it.
func (w *work) failNew(err error) {
	if w.failed == 0 {
		w.fail(err)
	}
}

func (w *work) unlink(dir int, name string) error {
	w.note("unlink")
	if err := w.sys.Unlink(dir, name); err != nil {
		return fmt.Errorf("cannot unlink an item: %w", err)
	}
	w.items++
	w.dirty[dir] = true
	return nil
}

// syncFolder flushes a folder from which a name went, or may have gone.
func (w *work) syncFolder(fd int) error {
	if !w.dirty[fd] {
		return nil
	}
	delete(w.dirty, fd)
	w.note("sync-folder")
	if err := w.sys.Sync(fd); err != nil {
		return fmt.Errorf("cannot flush a folder: %w", err)
	}
	w.settled[fd] = true
	return nil
}
