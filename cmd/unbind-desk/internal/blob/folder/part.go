package folder

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"unbindd/cmd/unbind-desk/internal/blob"
)

const inPieces = "part-"

func (f Folder) part(name string) (string, error) {
	if !nameForm.MatchString(name) {
		return "", errors.New("cannot receive a file in pieces: it has no good name")
	}
	return filepath.Join(string(f), inPieces+name), nil
}

// Extend writes the next bytes and syncs them. A cut before its caller has kept
// what it returns leaves bytes that the next try writes over.
func (f Folder) Extend(name string, at blob.At, chunk []byte) (blob.At, error) {
	path, err := f.part(name)
	if err != nil {
		return at, err
	}
	next, whole, err := at.With(chunk)
	if err == nil {
		err = f.writeAt(path, at, whole)
	}
	if err != nil {
		return at, fmt.Errorf("cannot keep a piece of a file: %w", err)
	}
	return next, nil
}

// writeAt writes from the beginning of the block that at ends in.
func (f Folder) writeAt(path string, at blob.At, whole []byte) (err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := file.WriteAt(whole, at.Offset-int64(len(at.Tail))); err != nil {
		return err
	}
	if err := file.Sync(); err != nil || at.Offset > 0 {
		return err
	}
	return syncDir(string(f)) // the name, once
}

// Whole opens a file of which everything has come, to be opened, compared and
// kept like any other. One that is not there was kept already, and is never made
// anew: it would be empty.
func (f Folder) Whole(name string, at blob.At) (blob.Upload, error) {
	path, err := f.part(name)
	if err != nil {
		return nil, err
	}
	sum, err := at.Hash()
	if err != nil {
		return nil, err
	}
	file, err := claim(path, os.O_RDWR)
	if errors.Is(err, os.ErrNotExist) {
		return nil, blob.ErrAbsent
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open a received file: %w", err)
	}
	_, err = file.WriteAt(at.Tail, at.Offset-int64(len(at.Tail)))
	if err = errors.Join(err, file.Truncate(at.Offset)); err != nil {
		return nil, fmt.Errorf("cannot open a received file: %w", errors.Join(err, file.Close()))
	}
	return &upload{file: file, sum: sum, size: at.Offset}, nil
}

// Forget removes a file in pieces.
func (f Folder) Forget(name string) error {
	path, err := f.part(name)
	if err == nil {
		err = os.Remove(path)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("cannot remove a file in pieces: %w", err)
	}
	return nil
}
