// Package space knows how much of a disk is free, and keeps some of it back.
//
// bbolt writes a changed page to a new place, so that also a change that adds nothing, and
// the opening of the file, need room. The ballast is a file whose blocks are taken: a desk
// that ended on a full disk gives them free, and starts.
//
// It promises nothing on a disk that others fill: what the ballast gives free, they take.
//
//	space.go  what is left, the ballast
package space

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Ballast is how many bytes are kept back.
const Ballast = 16 << 20

// ballast is its name in the desk's directory.
const ballast = "ballast"

// Left is how many bytes of the disk that holds dir are free for its user.
func Left(dir string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("cannot see how much of the disk is free: %w", err)
	}
	return int64(s.Bavail) * int64(s.Bsize), nil //nolint:unconvert // the types differ between the machines
}

// Settle takes the ballast where more than least bytes stay free beside it, and gives it free
// where fewer than it has itself are left. It says whether it was given free.
func Settle(dir string, least int64) (freed bool, err error) {
	left, err := Left(dir)
	if err != nil {
		return false, err
	}
	path := filepath.Join(dir, ballast)
	var has int64 // a power cut can leave the file without its blocks
	if s, err := os.Stat(path); err == nil {
		has = s.Size()
	} else if !errors.Is(err, os.ErrNotExist) {
		return false, fmt.Errorf("cannot see the ballast: %w", err)
	}
	switch there := has >= Ballast; {
	case !there && left+has-Ballast > least:
		return false, take(path)
	case has > 0 && left < Ballast:
		if err := os.Remove(path); err != nil {
			return false, fmt.Errorf("cannot give the ballast free: %w", err)
		}
		return true, nil
	}
	return false, nil
}

// take makes a file that really has its blocks; one that is cut short is made anew.
func take(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("cannot take the ballast: %w", err)
	}
	err = syscall.Fallocate(int(f.Fd()), 0, 0, Ballast)
	if errors.Is(err, syscall.EOPNOTSUPP) {
		_, err = f.Write(make([]byte, Ballast))
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("cannot take the ballast: %w", errors.Join(err, os.Remove(path)))
	}
	return nil
}
