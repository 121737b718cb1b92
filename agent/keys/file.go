package keys

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// file is one file of the store. The names say nothing about the content to
// somebody who reads the directory: k0 marks a finished store, k1 to k9 are root,
// stretch and box of the three classes.
type file uint8

const markerFile file = 0

func (f file) path(dir string) string { return filepath.Join(dir, fmt.Sprintf("k%d", f)) }

// part is what a file of a class is for, in the order to destroy them.
type part uint8

const (
	root    part = iota // a random secret, in slots
	stretch             // random bytes of which none may be lost
	box                 // the class's keys, wrapped, in slots
	parts
)

func (c Class) file(p part) file { return file(1 + 3*(uint8(c)-1) + uint8(p)) }

// Every file of a class has one size, for ever: its blocks are taken once and
// only written over, so that no block that held a key is ever given back. The
// two slots lie far apart, in case the flash below writes in larger pieces than
// the file system and loses a whole piece when the power goes.
const fileSize = 64 << 10

var slotAt = [2]int64{0, fileSize / 2}

// prepare makes a file of a class, or takes the one of a store that was never
// finished, and writes random bytes over all of it. Blocks that were only
// reserved become written ones here, before there is a secret to write; the
// name is not on disk until the directory is synced.
func (s *Store) prepare(f file) (err error) {
	h, err := os.OpenFile(f.path(s.dir), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	if info, err := h.Stat(); err != nil || !info.Mode().IsRegular() {
		return errors.Join(errors.New("a key file's name is taken by something else"), err)
	}
	s.settle(int(h.Fd()))
	if err := unix.Fallocate(int(h.Fd()), 0, 0, fileSize); err != nil && !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.ENOSYS) {
		return fmt.Errorf("cannot reserve a key file: %w", err)
	}
	filling := make([]byte, fileSize)
	if _, err := io.ReadFull(s.rand, filling); err != nil {
		return fmt.Errorf("cannot fill a key file: %w", err)
	}
	if _, err := h.WriteAt(filling, 0); err != nil {
		return err
	}
	return h.Sync()
}

// openPast opens a key file past the page cache, or through it where that is
// refused.
func (s *Store) openPast(f file, flags int, direct bool) (*os.File, error) {
	flags |= unix.O_NOFOLLOW | unix.O_NONBLOCK
	if direct {
		flags |= unix.O_DIRECT
	}
	return os.OpenFile(f.path(s.dir), flags, 0)
}

// past does something to a key file past the page cache; where the file system
// answers EINVAL, once more through the cache, and that is told.
func (s *Store) past(f file, flags int, do func(*os.File) error) error {
	for _, direct := range []bool{true, false} {
		h, err := s.openPast(f, flags, direct)
		if err == nil {
			err = errors.Join(do(h), h.Close())
		}
		if !direct || !errors.Is(err, unix.EINVAL) {
			return err
		}
		s.tell("the medium takes no direct input and output; key slots go through the page cache")
	}
	return unix.EINVAL
}

// writeSlot writes a page in place. It comes back without an error only when the
// page is on the medium; after an error either generation may be there, and the
// next look at the file decides.
func (s *Store) writeSlot(f file, slot int, page []byte) error {
	return s.past(f, os.O_WRONLY|unix.O_DSYNC, func(h *os.File) error {
		if _, err := h.WriteAt(page, slotAt[slot]); err != nil {
			return err
		}
		return h.Sync()
	})
}

// newest reads both slots and keeps the one of the higher generation that is
// whole. next is the slot to write then: the other one, so that no moment of a
// power cut finds none.
func (s *Store) newest(f file) (content Secret, generation uint64, next int, err error) {
	page := newSecret(slotSize)
	defer page.Wipe()
	whole := false
	err = s.past(f, os.O_RDONLY, func(h *os.File) error {
		info, err := h.Stat()
		if err != nil {
			return err
		}
		if info.Size() != fileSize {
			return ErrDamaged
		}
		for i, at := range slotAt {
			if _, err := h.ReadAt(page.Bytes(), at); err != nil {
				return err
			}
			if g, found, ok := readSlot(page.Bytes(), f); ok && (!whole || g > generation) {
				content.Wipe()
				content, generation, next, whole = NewSecret(found), g, 1-i, true
			}
		}
		return nil
	})
	if err == nil && !whole {
		err = ErrDamaged
	}
	if err != nil {
		content.Wipe()
		return Secret{}, 0, 0, err
	}
	return content, generation, next, nil
}

// put writes content into a slot, under a generation above every other.
func (s *Store) put(f file, slot int, generation uint64, content []byte) error {
	page := newSecret(slotSize)
	defer page.Wipe()
	if err := fillSlot(page.Bytes(), f, generation, content, s.rand); err != nil {
		return err
	}
	return s.writeSlot(f, slot, page.Bytes())
}

func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// ownDirectory returns dir's absolute path if nobody but its owner can enter it.
func ownDirectory(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	info, err := os.Lstat(abs)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", errors.New("it is not a directory")
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return "", fmt.Errorf("its mode is %04o and must be 0700", perm)
	}
	return abs, nil
}
