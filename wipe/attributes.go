package wipe

import (
	"errors"
	"fmt"
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
// something into. Those of the system itself tell rights, not content.
func (w *work) bare(fd int) error {
	names, err := w.sys.Attributes(fd)
	if untold(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot list extended attributes: %w", err)
	}
	for _, name := range names {
		if !strings.HasPrefix(name, "user.") && !strings.HasPrefix(name, "trusted.") {
			continue
		}
		// The journal has them as it has names; only emptying it takes them out.
		if !w.emptiesJournal() {
			if err := w.lower(LevelClear, residualAttrs); err != nil {
				return err
			}
		}
		if err := w.bareOf(fd, name); err != nil {
			return fmt.Errorf("cannot remove an extended attribute: %w", err)
		}
	}
	return nil
}

// bareOf writes zeros over one, has them reach the medium, and removes it.
func (w *work) bareOf(fd int, name string) error {
	w.note("attribute")
	size, err := w.sys.AttributeSize(fd, name)
	if errors.Is(err, unix.ENODATA) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := w.sys.SetAttribute(fd, name, make([]byte, size)); err != nil {
		return err
	}
	if err := w.sys.Sync(fd); err != nil {
		return err
	}
	return w.sys.RemoveAttribute(fd, name)
}
