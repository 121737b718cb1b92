package wipe

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// place is the opened folder in which the target's names live, or, if that is
// not there, the last folder before it. Where a pattern stands before the last
// part of the path, it is the folder before that, and the names live in several.
type place struct {
	fd       int
	ends     []end // none: the target cannot be there
	turns          // where a pattern means more of them than are held open
	fs       filesystem
	readonly bool
	dev      uint64 // the root's; what lies elsewhere is a foreign mount
	block    int64  // the size of a block there
	mount    int    // the root's too; the same file system under another one is a bind mount
	probe    Probe
}

var (
	errForeign = errors.New("another file system is mounted in it")
	errBind    = errors.New("another part of the file system is mounted in it")
	errLocked  = errors.New("an encrypted folder is locked: its names cannot be read")
	errLink    = errors.New("a link or a file stands where a folder should be")
)

// openPlace walks from the root down to the folder of the target.
func openPlace(sys Sys, t Target) (*place, error) {
	fd, err := sys.OpenRoot(t.Root)
	if errors.Is(err, unix.ENOENT) {
		return &place{fd: -1, fs: noFilesystem}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open the root: %w", asLink(err))
	}
	p := &place{fd: fd}
	if err := p.walk(sys, t); err != nil {
		p.close(sys)
		return nil, err
	}
	return p, nil
}

func (p *place) walk(sys Sys, t Target) error {
	st, err := sys.Stat(p.fd)
	if err != nil {
		return fmt.Errorf("cannot examine the root: %w", err)
	}
	p.dev, p.block = st.Dev, st.Block
	if p.mount, err = sys.Mount(p.fd); err != nil {
		return fmt.Errorf("cannot tell the root's mount: %w", err)
	}
	if err := p.unlocked(sys, p.fd); err != nil {
		return err
	}
	if err := p.reach(sys, t); err != nil {
		return err
	}
	magic, readonly, err := sys.Filesystem(p.fd)
	if err != nil {
		return fmt.Errorf("cannot ask for the file system: %w", err)
	}
	p.fs, p.readonly = filesystemOf(magic), readonly
	p.probe, err = probe(sys, p)
	return err
}

// reach goes down to the target's folder, or to where a pattern begins and then
// to all that it means.
func (p *place) reach(sys Sys, t Target) error {
	folders, _ := t.way()
	above := ""
	for i, name := range folders {
		if hasPattern(name) {
			p.branch, p.rest = end{p.fd, above}, folders[i:]
			return p.turn(sys, t, 0)
		}
		err := p.down(sys, name)
		if errors.Is(err, unix.ENOENT) {
			return nil
		}
		if err != nil {
			return err
		}
		above += name + "/"
	}
	p.ends = []end{{p.fd, above}}
	return nil
}

// down goes one folder deeper.
func (p *place) down(sys Sys, name string) error {
	next, err := p.folder(sys, p.fd, name)
	if err != nil {
		return err
	}
	sys.Close(p.fd)
	p.fd = next
	return nil
}

// folder opens a folder that is no link and no mount point.
func (p *place) folder(sys Sys, dir int, name string) (int, error) {
	fd, err := sys.OpenFolder(dir, name)
	if err != nil {
		return -1, fmt.Errorf("cannot open a folder: %w", asLink(err))
	}
	st, err := sys.Stat(fd)
	if err == nil && st.Dev != p.dev {
		err = errForeign
	}
	if err == nil {
		err = p.sameMount(sys, fd)
	}
	if err == nil {
		err = p.unlocked(sys, fd)
	}
	if err != nil {
		sys.Close(fd)
		return -1, fmt.Errorf("cannot enter a folder: %w", err)
	}
	return fd, nil
}

// sameMount refuses what lies under another mount, even of the same file system:
// what is bound there has its home elsewhere, outside the target.
func (p *place) sameMount(sys Sys, fd int) error {
	id, err := sys.Mount(fd)
	if err != nil {
		return fmt.Errorf("cannot tell its mount: %w", err)
	}
	if id != p.mount {
		return errBind
	}
	return nil
}

func (p *place) close(sys Sys) {
	p.leave(sys)
	if p.fd >= 0 {
		sys.Close(p.fd)
	}
}

// foreign refuses a file that is not a folder and lies on a foreign mount.
// overlayfs shows a file under its layer's device number, so only the kind of
// file system can be compared there.
func (p *place) foreign(sys Sys, fd int, st Stat) error {
	if st.Dev != p.dev {
		if p.fs.name != "overlayfs" {
			return errForeign
		}
		magic, _, err := sys.Filesystem(fd)
		if err != nil {
			return err
		}
		if filesystemOf(magic).name != p.fs.name {
			return errForeign
		}
	}
	return p.sameMount(sys, fd)
}

// listed lists a folder that stays open. A descriptor can be listed only once,
// so the folder is opened again from within.
func listed(sys Sys, dir int) ([]string, error) {
	fd, err := sys.OpenFolder(dir, ".")
	if err != nil {
		return nil, fmt.Errorf("cannot open a folder: %w", err)
	}
	defer sys.Close(fd)
	names, err := sys.Names(fd)
	if err != nil {
		return nil, fmt.Errorf("cannot list a folder: %w", err)
	}
	slices.Sort(names)
	return names, nil
}

// asLink puts plain words to what O_NOFOLLOW and O_DIRECTORY answer.
func asLink(err error) error {
	if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENOTDIR) {
		return errLink
	}
	return err
}
