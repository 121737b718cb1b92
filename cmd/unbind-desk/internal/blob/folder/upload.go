package folder

import (
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/blob"
)

// upload is a file of the folder that has no digest for a name yet.
type upload struct {
	file  *os.File
	sum   hash.Hash
	size  int64
	ended bool
}

// claim opens a file and locks it for one writer of all processes. The file may
// lose its name between the two, to a sweep or to another Keep; then there is none.
func claim(path string, how int) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, how, 0o600)
		if err != nil {
			return nil, err
		}
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = blob.ErrBusy
		}
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		named, err := leadsTo(path, f)
		if named {
			return f, nil
		}
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
	}
}

// leadsTo tells whether path is still the name of an open file. Who cannot see that
// must not try for ever.
func leadsTo(path string, f *os.File) (bool, error) {
	mine, err := f.Stat()
	if err != nil {
		return false, err
	}
	named, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(mine, named), err
}

// Write takes the next bytes, hashing them on the way.
func (u *upload) Write(p []byte) (int, error) {
	n, err := u.file.Write(p)
	u.sum.Write(p[:n])
	u.size += int64(n)
	if err != nil {
		return n, fmt.Errorf("cannot receive a file: %w", err)
	}
	return n, nil
}

// Digest is the digest of what came so far.
func (u *upload) Digest() envelope.Digest {
	return envelope.Digest("sha256:" + hex.EncodeToString(u.sum.Sum(nil)))
}

// Size is how many bytes came so far.
func (u *upload) Size() int64 { return u.size }

// Reopen reads what was written, from its beginning.
func (u *upload) Reopen() (io.ReadCloser, error) { return os.Open(u.file.Name()) }

// Keep makes the blob durable under its digest: fsync, rename, fsync of the
// folder. A blob that is there already has the same bytes and is replaced by them.
func (u *upload) Keep() error {
	if err := u.file.Sync(); err != nil {
		return fmt.Errorf("cannot keep a file: %w", err)
	}
	dir := filepath.Dir(u.file.Name())
	if err := os.Rename(u.file.Name(), filepath.Join(dir, u.Digest().Hex())); err != nil {
		return fmt.Errorf("cannot keep a file: %w", err)
	}
	u.ended = true
	err := syncDir(dir)
	if closing := u.file.Close(); closing != nil {
		err = errors.Join(err, fmt.Errorf("cannot keep a file: %w", closing))
	}
	return err
}

// Leave ends the upload; the bytes stay under the name of the file in pieces.
func (u *upload) Leave() error {
	if u.ended {
		return nil
	}
	u.ended = true
	if err := errors.Join(u.file.Sync(), u.file.Close()); err != nil {
		return fmt.Errorf("cannot leave an upload: %w", err)
	}
	return nil
}

// Drop ends the upload; what was not kept is gone.
func (u *upload) Drop() error {
	if u.ended {
		return nil
	}
	u.ended = true
	if err := errors.Join(os.Remove(u.file.Name()), u.file.Close()); err != nil {
		return fmt.Errorf("cannot drop an upload: %w", err)
	}
	return nil
}
