package dossier

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"unbindd/agent/envelope"
)

// Source is where a case's files are read from.
type Source interface {
	// Open opens a file by its name of this package; fs.ErrNotExist if absent.
	Open(name string) (io.ReadCloser, error)
	// List names the files of a folder, sorted; none if it is absent.
	List(folder string) ([]string, error)
}

// Folder is a case in a directory.
type Folder string

// Open opens a file of the folder.
func (f Folder) Open(name string) (io.ReadCloser, error) {
	return os.Open(filepath.Join(string(f), filepath.FromSlash(name)))
}

// List names the files of a folder below it.
func (f Folder) List(folder string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(string(f), folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, folder+"/"+e.Name())
	}
	return names, err
}

// Files is a case given file by file: names to paths.
type Files map[string]string

// NewFiles finds out what each path is by its name, and by the folder it is in.
func NewFiles(paths []string) (Files, error) {
	files := Files{}
	for _, p := range paths {
		name, above := filepath.Base(p), filepath.Base(filepath.Dir(p))
		if slices.Contains([]string{answersDir, ordersDir, supersededDir, keysDir, receiptsDir, proofsDir}, above) {
			name = path.Join(above, name)
		}
		if files[name] != "" {
			return nil, fmt.Errorf("cannot verify the files: two of them are called %s", name)
		}
		files[name] = p
	}
	return files, nil
}

// Open opens a file by its name.
func (f Files) Open(name string) (io.ReadCloser, error) {
	if f[name] == "" {
		return nil, fs.ErrNotExist
	}
	return os.Open(f[name])
}

// List names the files that are in a folder.
func (f Files) List(folder string) (names []string, err error) {
	for name := range f {
		if strings.HasPrefix(name, folder+"/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// maxText is the most that is read of a file that is no sealed backup: a chain
// of bundles may be long.
const maxText = 16 << 20

// readExact reads a small file whole, byte for byte; errMissing when it is not there.
func readExact(src Source, name string) (text []byte, err error) {
	f, err := src.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missing(name)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	text, err = io.ReadAll(io.LimitReader(f, maxText+1))
	if err == nil && len(text) > maxText {
		err = fmt.Errorf("cannot read %s: it is larger than %d bytes", name, maxText)
	}
	return text, err
}

// read is readExact without the white space around it, which is no difference.
func read(src Source, name string) ([]byte, error) {
	text, err := readExact(src, name)
	return bytes.TrimSpace(text), err
}

// readEnvelope reads a file that holds one envelope.
func readEnvelope(src Source, name string) (*envelope.Envelope, error) {
	text, err := read(src, name)
	if err != nil {
		return nil, err
	}
	return envelope.Parse(text, envelope.MaxSize)
}
