package authority

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Create writes a new file of the given mode and syncs it; it never writes over
// one that is there.
func Create(path string, content []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return fmt.Errorf("cannot create %s: %w", filepath.Base(path), err)
	}
	if err := fill(f, content); err != nil {
		return fmt.Errorf("cannot write %s: %w", filepath.Base(path), err)
	}
	return nil
}

// Replace puts content in the place of path: temporary file, fsync, rename,
// fsync of the directory. Whoever reads it sees the old bytes or the new ones.
func Replace(path string, content []byte, mode os.FileMode) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", filepath.Base(path), err)
	}
	err = errors.Join(f.Chmod(mode), fill(f, content))
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", filepath.Base(path), errors.Join(err, os.Remove(f.Name())))
	}
	return SyncDir(dir)
}

// fill writes, syncs and closes; every one of the three may tell of a full disk.
func fill(f *os.File, content []byte) error {
	_, err := f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// SyncDir makes the names in a directory durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("cannot sync a directory: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("cannot sync a directory: %w", err)
	}
	return nil
}
