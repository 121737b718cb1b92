// Package folder keeps blobs as files of one folder.
//
// It promises that a blob has its name only once all of its bytes are durable:
// write, fsync, rename, fsync of the folder.
//
//	folder.go  create, open, sweep
//	upload.go  a blob on its way in
//	part.go    a file that comes in pieces
package folder

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/blob"
)

// unfinished begins the names of uploads; the rest is drawn.
const unfinished = "once-"

var nameForm = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

// Folder is a folder of blobs.
type Folder string

// Create makes a new folder of that path.
func Create(path string) (Folder, error) {
	err := os.Mkdir(path, 0o700)
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return "", fmt.Errorf("cannot make the folder of files: %w", err)
	}
	return Folder(path), nil
}

// Receive begins an upload.
func (f Folder) Receive() (blob.Upload, error) {
	file, err := claim(filepath.Join(string(f), unfinished+rand.Text()), os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, fmt.Errorf("cannot receive a file: %w", err)
	}
	return &upload{file: file, sum: sha256.New()}, nil
}

// Open opens a kept blob.
func (f Folder) Open(d envelope.Digest) (io.ReadCloser, int64, error) {
	if !d.Valid() {
		return nil, 0, blob.ErrAbsent
	}
	file, err := os.Open(filepath.Join(string(f), d.Hex()))
	if errors.Is(err, os.ErrNotExist) {
		return nil, 0, blob.ErrAbsent
	}
	if err != nil {
		return nil, 0, fmt.Errorf("cannot open a file: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, fmt.Errorf("cannot open a file: %w", errors.Join(err, file.Close()))
	}
	return file, info.Size(), nil
}

// Sweep removes what was left half-received. What is being written at this moment
// stays, however slow it is.
func (f Folder) Sweep() error {
	entries, err := os.ReadDir(string(f))
	if err != nil {
		return fmt.Errorf("cannot look for unfinished uploads: %w", err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), unfinished) {
			continue
		}
		if err := sweep(filepath.Join(string(f), e.Name())); err != nil {
			return fmt.Errorf("cannot remove an unfinished upload: %w", err)
		}
	}
	return nil
}

// sweep removes an upload that nobody writes.
func sweep(path string) error {
	file, err := claim(path, os.O_RDWR)
	if errors.Is(err, blob.ErrBusy) || errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(os.Remove(path), file.Close())
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
