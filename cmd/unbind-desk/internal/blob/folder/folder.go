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
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/blob"
)

// Uploads stand in the folder under one of two words and their name, which is
// drawn for those that came without one.
const (
	unfinished = "upload-"
	nameless   = "once-"
)

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

// Receive begins an upload or goes on with one.
func (f Folder) Receive(name string) (blob.Upload, error) {
	if name == "" {
		return f.receive(filepath.Join(string(f), nameless+rand.Text()))
	}
	if !nameForm.MatchString(name) {
		return nil, errors.New("cannot receive a file: its upload has no good name")
	}
	return f.receive(filepath.Join(string(f), unfinished+name))
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

// Sweep removes what was left half-received and not written to since. One that
// is being written at this moment stays, however slow it is.
func (f Folder) Sweep(since time.Time) error {
	entries, err := os.ReadDir(string(f))
	if err != nil {
		return fmt.Errorf("cannot look for unfinished uploads: %w", err)
	}
	for _, e := range entries {
		until := since
		switch {
		case strings.HasPrefix(e.Name(), nameless):
			until = time.Time{}
		case !strings.HasPrefix(e.Name(), unfinished):
			continue
		}
		if err := sweep(filepath.Join(string(f), e.Name()), until); err != nil {
			return fmt.Errorf("cannot remove an unfinished upload: %w", err)
		}
	}
	return nil
}

// sweep removes an upload that nobody writes and that is older than since; the
// zero time is younger than none.
func sweep(path string, since time.Time) error {
	file, err := claim(path, os.O_RDWR)
	if errors.Is(err, blob.ErrBusy) || errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err == nil && (since.IsZero() || info.ModTime().Before(since)) {
		err = os.Remove(path)
	}
	return errors.Join(err, file.Close())
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
