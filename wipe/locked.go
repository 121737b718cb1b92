package wipe

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// unlocked refuses a folder in which nothing can be found by its name: all of it
// would be called absent. Where nobody tells whether the key is there, what lies
// in the folder is tried, and only a plain answer refuses.
func (p *place) unlocked(sys Sys, fd int) error {
	locked, err := sys.Locked(fd)
	if unasked(err) {
		t := trial{sys: sys, place: p, left: maxTried}
		locked, _ = t.below(fd)
		err = nil
	}
	if err != nil {
		return fmt.Errorf("cannot tell whether a folder is locked: %w", err)
	}
	if locked {
		return errLocked
	}
	return nil
}

// unasked tells whether the question for the key found nobody to answer: a kernel
// before 5.4, a key in a keyring, or a policy that lets this process not ask.
func unasked(err error) bool {
	return untold(err) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM)
}

// maxTried bounds how many names are looked at for an answer.
const maxTried = 200

// trial finds out by opening files whether their key is there: ENOKEY says that it
// is not, and a file that opens that it is. A folder without names has nothing that
// could be called absent, and one without an answer is not called locked.
type trial struct {
	sys   Sys
	place *place
	left  int
}

// below tries the files of a folder, and then those deeper in an encrypted one:
// all that lies in it has the same key, which is not so of any other folder.
func (t *trial) below(fd int) (locked, answered bool) {
	names, err := listed(t.sys, fd)
	if err != nil {
		return said(err)
	}
	var folders []string
	for _, name := range names {
		if t.left--; t.left < 0 {
			return false, false
		}
		st, err := t.sys.StatAt(fd, name)
		switch {
		case err != nil || st.Dev != t.place.dev:
		case st.is(unix.S_IFDIR):
			folders = append(folders, name)
		case st.is(unix.S_IFREG):
			if locked, answered = t.file(fd, name); answered {
				return locked, true
			}
		}
	}
	if flags, err := t.sys.Flags(fd); err != nil || flags&fsEncrypted == 0 {
		return false, false
	}
	for _, name := range folders {
		if locked, answered = t.folder(fd, name); answered {
			return locked, true
		}
	}
	return false, false
}

func (t *trial) file(dir int, name string) (locked, answered bool) {
	fd, err := t.sys.OpenPlain(dir, name)
	if err != nil {
		return said(err)
	}
	defer t.sys.Close(fd)
	return false, t.place.sameMount(t.sys, fd) == nil
}

func (t *trial) folder(dir int, name string) (locked, answered bool) {
	fd, err := t.sys.OpenFolder(dir, name)
	if err != nil {
		return said(err)
	}
	defer t.sys.Close(fd)
	if t.place.sameMount(t.sys, fd) != nil {
		return false, false
	}
	return t.below(fd)
}

// said takes from an error the one answer that it can hold.
func said(err error) (locked, answered bool) {
	locked = errors.Is(err, unix.ENOKEY)
	return locked, locked
}
