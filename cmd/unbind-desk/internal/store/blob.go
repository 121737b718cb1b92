package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"os"
	"path/filepath"

	"unbindd/agent/envelope"
)

const unfinished = "upload-"

// Upload is a blob on its way in: it has no name until Keep.
type Upload struct {
	dir  string
	file *os.File
	sum  hash.Hash
	size int64
	kept bool
}

// Receive begins a blob. The caller ends it with Keep or Drop.
func (s *Store) Receive() (*Upload, error) {
	f, err := os.CreateTemp(s.blobs, unfinished+"*")
	if err != nil {
		return nil, fmt.Errorf("cannot receive a file: %w", err)
	}
	return &Upload{dir: s.blobs, file: f, sum: sha256.New()}, nil
}

// Write takes the next bytes, hashing them on the way.
func (u *Upload) Write(p []byte) (int, error) {
	n, err := u.file.Write(p)
	u.sum.Write(p[:n])
	u.size += int64(n)
	return n, err
}

// Digest is the digest of what came so far.
func (u *Upload) Digest() envelope.Digest {
	return envelope.Digest("sha256:" + hex.EncodeToString(u.sum.Sum(nil)))
}

// Size is how many bytes came so far.
func (u *Upload) Size() int64 { return u.size }

// Reopen reads what was written, from its beginning.
func (u *Upload) Reopen() (*os.File, error) { return os.Open(u.file.Name()) }

// Keep makes the blob durable under its digest: fsync, rename, fsync of the
// folder. A blob that is there already has the same bytes and is replaced by them.
func (u *Upload) Keep() error {
	if err := u.file.Sync(); err != nil {
		return fmt.Errorf("cannot keep a file: %w", err)
	}
	if err := os.Rename(u.file.Name(), filepath.Join(u.dir, u.Digest().Hex())); err != nil {
		return fmt.Errorf("cannot keep a file: %w", err)
	}
	u.kept = true
	return syncDir(u.dir)
}

// Drop ends the upload; what was not kept is gone.
func (u *Upload) Drop() error {
	err := u.file.Close()
	if !u.kept {
		err = errors.Join(err, os.Remove(u.file.Name()))
	}
	if err != nil {
		return fmt.Errorf("cannot drop an upload: %w", err)
	}
	return nil
}

// Blob opens a kept blob; ErrAbsent when there is none.
func (s *Store) Blob(d envelope.Digest) (*os.File, error) {
	if !d.Valid() {
		return nil, ErrAbsent
	}
	f, err := os.Open(filepath.Join(s.blobs, d.Hex()))
	if errors.Is(err, os.ErrNotExist) {
		return nil, ErrAbsent
	}
	return f, err
}

// sweep removes what a killed process left half-received.
func (s *Store) sweep() error {
	left, err := filepath.Glob(filepath.Join(s.blobs, unfinished+"*"))
	if err != nil {
		return fmt.Errorf("cannot look for unfinished uploads: %w", err)
	}
	for _, path := range left {
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("cannot remove an unfinished upload: %w", err)
		}
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("cannot keep a file: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("cannot keep a file: %w", err)
	}
	return nil
}
