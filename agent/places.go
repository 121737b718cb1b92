package agent

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// places are the paths in the state directory. The names are fixed and say
// nothing about the merchant.
type places struct{ root string }

func (p places) journal() string   { return filepath.Join(p.root, "journal.db") }
func (p places) ledger() string    { return filepath.Join(p.root, "ledger") }
func (p places) keys() string      { return filepath.Join(p.root, "keys") }
func (p places) spool() string     { return filepath.Join(p.root, "spool") }
func (p places) trust() string     { return filepath.Join(p.root, "trust") }
func (p places) tombstone() string { return filepath.Join(p.root, "tombstone.json") }
func (p places) told() string      { return filepath.Join(p.root, "told.json") } // the desk's receipt for the tombstone
func (p places) sealed() string    { return filepath.Join(p.spool(), "sealed-1") }

// beside is where events go while nothing is to be saved and the ledger, and each
// beside it before this one, cannot be opened. It has a name of its own, so that
// the ledger can be put back where it was and destroys nothing.
func (p places) beside(n int) string {
	return filepath.Join(p.root, fmt.Sprintf("ledger-beside-%d", n))
}

// buryMark says that the journal is done with and being erased.
func (p places) buryMark() string { return filepath.Join(p.root, "bury") }

// In trust/: what enrolment brought. binding.json is written last.
func (p places) binding() string  { return filepath.Join(p.trust(), "binding.json") }
func (p places) bundles() string  { return filepath.Join(p.trust(), "bundles.json") }
func (p places) profiles() string { return filepath.Join(p.trust(), "profiles.json") }
func (p places) request() string  { return filepath.Join(p.trust(), "request.json") }
func (p places) route() string    { return filepath.Join(p.trust(), "route.json") }

// buried is where a rebound terminal's tombstone goes.
func (p places) buried(epoch int64) string {
	return filepath.Join(p.root, fmt.Sprintf("tombstone-%d.json", epoch))
}

// kept are the names in the state directory that have an end of their own; the
// tombstones of former enrolments stay for ever. lost+found belongs to a file
// system that is mounted there.
func (p places) kept() ([]string, error) {
	names := []string{"lost+found"}
	for _, path := range []string{p.journal(), p.ledger(), p.keys(), p.spool(), p.trust(), p.tombstone(), p.told(), p.buryMark()} {
		names = append(names, filepath.Base(path))
	}
	all, err := os.ReadDir(p.root)
	if err != nil {
		return nil, fmt.Errorf("cannot list the state directory: %w", err)
	}
	for _, e := range all {
		if former, err := filepath.Match("tombstone-*.json", e.Name()); former && err == nil {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// Begun tells whether a state directory holds anything of a terminal's life, from
// its enrolment to its tombstone. What cannot be looked at is not taken for nothing.
func Begun(dir string) bool {
	p := places{dir}
	for _, path := range []string{p.journal(), p.binding(), p.buryMark(), p.tombstone()} {
		if _, err := os.Lstat(path); err == nil || !errors.Is(err, os.ErrNotExist) {
			return true
		}
	}
	return false
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// makeDirs makes the directories that are missing, readable by nobody else. What
// will lie in them is only there after a cut if their own names are.
func makeDirs(paths ...string) error {
	for _, path := range paths {
		if err := makeDir(filepath.Clean(path)); err != nil {
			return fmt.Errorf("cannot make a directory: %w", err)
		}
	}
	return nil
}

// makeDir syncs the name of one that it finds too: whoever made it may have been
// killed before that. One that is mounted there has no name to lose, and what it
// is mounted on may be a file system that takes no sync; where we may not read the
// folder above, another made it.
func makeDir(path string) error {
	parent := filepath.Dir(path)
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if _, err := os.Stat(parent); errors.Is(err, os.ErrNotExist) {
			if err := makeDir(parent); err != nil {
				return err
			}
		}
		if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
		return syncDir(parent)
	case err != nil:
		return err
	case !st.IsDir():
		return &os.PathError{Op: "mkdir", Path: path, Err: syscall.ENOTDIR}
	}
	if mounted, err := isMounted(path, parent); err != nil || mounted {
		return err
	}
	if err := syncDir(parent); !errors.Is(err, os.ErrPermission) {
		return err
	}
	return nil
}

func isMounted(path, parent string) (bool, error) {
	in, err1 := os.Stat(path)
	out, err2 := os.Stat(parent)
	if err := errors.Join(err1, err2); err != nil {
		return false, err
	}
	a, ok1 := in.Sys().(*syscall.Stat_t)
	b, ok2 := out.Sys().(*syscall.Stat_t)
	return ok1 && ok2 && a.Dev != b.Dev, nil
}

// writeFile writes a file whole or not at all: another name, fsync, rename,
// fsync of the directory.
func writeFile(path string, b []byte) error {
	temp := path + ".new"
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("cannot write a file: %w", err)
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("cannot write a file: %w", err)
	}
	return rename(temp, path)
}

func rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return fmt.Errorf("cannot write a file: %w", err)
	}
	return syncDir(filepath.Dir(to))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("cannot sync a directory: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("cannot sync a directory: %w", err)
	}
	return nil
}
