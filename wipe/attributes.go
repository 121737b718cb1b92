package wipe

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Attribute flags (Linux, include/uapi/linux/fs.h).
const (
	flagImmutable = 0x10
	flagAppend    = 0x20
	flagJournal   = 0x4000
	flagInline    = 0x10000000
)

// untold tells whether a file system merely does not know the question.
func untold(err error) bool {
	for _, e := range []error{unix.ENOTTY, unix.EOPNOTSUPP, unix.ENOSYS, unix.EINVAL} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func (w *work) flags(fd int) (uint32, error) {
	flags, err := w.sys.Flags(fd)
	if err != nil && !untold(err) {
		return 0, fmt.Errorf("cannot ask for a file's attributes: %w", err)
	}
	if err != nil {
		return 0, nil
	}
	return flags, nil
}

// open opens a file to write; where a flag forbids that, the flag goes first.
func (w *work) open(o *opened) (int, error) {
	fd, err := w.sys.OpenFile(o.dir, o.name)
	if !errors.Is(err, unix.EPERM) {
		return fd, err
	}
	plain, perr := w.sys.OpenPlain(o.dir, o.name)
	if perr != nil {
		return -1, err
	}
	defer w.sys.Close(plain)
	if st, serr := w.sys.Stat(plain); serr != nil || !st.is(unix.S_IFREG) || w.place.foreign(w.sys, plain, st) != nil {
		return -1, err
	}
	if freed, ferr := w.free(plain); ferr != nil || !freed {
		return -1, err
	}
	return w.sys.OpenFile(o.dir, o.name)
}

// free takes away the flags that forbid to change or unlink, and tells whether
// there were any.
func (w *work) free(fd int) (freed bool, err error) {
	flags, err := w.flags(fd)
	if err != nil || flags&(flagImmutable|flagAppend) == 0 {
		return false, err
	}
	w.note("free")
	if err := w.sys.SetFlags(fd, flags&^(flagImmutable|flagAppend)); err != nil {
		return false, fmt.Errorf("cannot make an item changeable: %w", err)
	}
	return true, nil
}

// bare overwrites and removes the extended attributes that anybody may have put
// something into. Those of the system itself tell rights, not content. All of them
// are overwritten before one is removed, and the journal is emptied in between:
// ext4 frees the block that held them with the last, and forgets unwritten what
// was only in the journal, so that the old bytes would stay in their place.
func (w *work) bare(fd int) error {
	return w.bareOf(fd, func() error { return w.sys.Sync(fd) })
}

// bareLink does it with what is only a name: a link, a pipe. What cannot be done there
// holds up nothing that is to go anyway, and is told.
func (w *work) bareLink(dir int, name string, st Stat) error {
	err := w.bareName(dir, name, st)
	if err == nil || !w.target.Anyway || w.ctx.Err() != nil {
		return err
	}
	if errors.Is(err, errExchanged) {
		return w.lower(LevelLogical, residualUnread) // what has the name now may hold anything
	}
	return w.lower(LevelLogical, residualAttrs)
}

// bareName cannot flush such a thing by itself, so the whole file system is. What it
// will not show or let go of is told, and holds nothing up: a small attribute lies in
// the inode, where no trim reaches it.
func (w *work) bareName(dir int, name string, st Stat) error {
	fd, err := w.sys.OpenName(dir, name)
	if err != nil {
		return fmt.Errorf("cannot open an item: %w", asLink(err))
	}
	defer w.sys.Close(fd)
	now, err := w.sys.Stat(fd)
	if err != nil {
		return fmt.Errorf("cannot examine an item: %w", err)
	}
	if now.inode() != st.inode() || !now.is(st.Mode&unix.S_IFMT) { // a number may be given again
		w.residual[residualOther] = true
		return errExchanged
	}
	if err := w.place.foreign(w.sys, fd, now); err != nil {
		return fmt.Errorf("cannot unlink an item: %w", err)
	}
	if now.Links > 1 {
		w.residual[residualLinks] = true
	}
	err = w.bareOf(fd, func() error { return w.sys.SyncAll(dir) })
	var stays unchanged
	if errors.As(err, &stays) && (errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) || untold(err)) || errors.Is(err, unix.ENOENT) { // the last: no /proc
		return w.lower(LevelClear, residualAttrs)
	}
	return err
}

// unchanged is why attributes could not be looked at, overwritten or removed.
type unchanged struct{ error }

func (u unchanged) Unwrap() error { return u.error }

func (w *work) bareOf(fd int, flush func() error) error {
	names, err := w.sys.Attributes(fd)
	if untold(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot list extended attributes: %w", unchanged{err})
	}
	if !w.place.probe.Admin && !w.residual[residualAttrs] { // then the kernel lists none that begin with trusted.
		if err := w.lower(LevelClear, residualAttrs); err != nil {
			return err
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		return !strings.HasPrefix(name, "user.") && !strings.HasPrefix(name, "trusted.")
	})
	if len(names) == 0 {
		return nil
	}
	// The journal has them as it has names; only emptying it takes them out.
	if !w.emptiesJournal() {
		if err := w.lower(LevelClear, residualAttrs); err != nil {
			return err
		}
	}
	if err := w.blotted(fd, names, flush); err != nil {
		return fmt.Errorf("cannot overwrite an extended attribute: %w", err)
	}
	for _, name := range names {
		if err := w.sys.RemoveAttribute(fd, name); err != nil && !errors.Is(err, unix.ENODATA) {
			return fmt.Errorf("cannot remove an extended attribute: %w", unchanged{err})
		}
	}
	return nil
}

// blotted writes random bytes over attributes and has them reach their place. They
// are random because ext4 keeps blocks that are alike once: zeros might go to a
// block that holds zeros already, and the old one would only be freed.
func (w *work) blotted(fd int, names []string, flush func() error) error {
	for _, name := range names {
		w.note("attribute")
		size, err := w.sys.AttributeSize(fd, name)
		if errors.Is(err, unix.ENODATA) {
			continue
		}
		if err != nil {
			return unchanged{err}
		}
		if w.place.fs.name == "ext4" && int64(size) > w.place.block-ext4AttrRoom {
			if err := w.freed(residualAttrs); err != nil {
				return err
			}
		}
		value := make([]byte, size)
		if err := w.sys.Random(value); err != nil {
			return err
		}
		if err := w.sys.SetAttribute(fd, name, value); err != nil {
			return unchanged{err}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	if w.emptiesJournal() {
		w.note("checkpoint")
		return w.checkpoint(0)
	}
	return nil
}
