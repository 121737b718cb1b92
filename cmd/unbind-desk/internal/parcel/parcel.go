// Package parcel is a case as one zip file: what goes into it, and what is
// believed of one that came from somewhere.
//
// It promises that a parcel which holds anything but the files of a case, each
// once, each under its plain name, none of them larger than such a file can be,
// is refused by name before anything of it is read. Whether the files hold
// together is package dossier's to say.
//
//	parcel.go  opening one: what is refused
//	write.go   making one
package parcel

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/dossier"
)

const (
	maxText    = 16 << 20 // bytes of a member that is no sealed file, unpacked
	maxAll     = 64 << 20 // of all of them
	maxMembers = 4096
)

// Parcel is an open zip file. It is a dossier.Source.
type Parcel struct {
	file    *os.File
	members map[string]*zip.File
}

var _ dossier.Source = (*Parcel)(nil)

// Open opens a parcel and looks at every member's head.
func Open(name string) (*Parcel, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("cannot read the case: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot read the case: %w", err), f.Close())
	}
	members, err := read(f, info.Size())
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Parcel{file: f, members: members}, nil
}

// Close closes the file.
func (p *Parcel) Close() error { return p.file.Close() }

// Open opens a member by its name.
func (p *Parcel) Open(name string) (io.ReadCloser, error) {
	m := p.members[name]
	if m == nil {
		return nil, fs.ErrNotExist
	}
	return m.Open()
}

// List names the members of a folder, sorted.
func (p *Parcel) List(folder string) (names []string, err error) {
	for name := range p.members {
		if strings.HasPrefix(name, folder+"/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

func read(from io.ReaderAt, size int64) (map[string]*zip.File, error) {
	z, err := zip.NewReader(from, size)
	if err != nil {
		return nil, envelope.Refuse("E02", "zip", "cannot read the case: it is no whole zip file: %w", err)
	}
	if len(z.File) > maxMembers {
		return nil, envelope.Refuse("E01", "members", "cannot read the case: the zip file has %d members, a case has fewer", len(z.File))
	}
	if z.Comment != "" {
		return nil, envelope.Refuse("E02", "comment", "cannot read the case: there is something beside its members in the zip file")
	}
	var packed, text uint64
	members, folded := map[string]*zip.File{}, map[string]bool{}
	for _, m := range z.File {
		if err := allowed(m); err != nil {
			return nil, err
		}
		// Some file systems hold names that differ in case for one.
		if fold := strings.ToLower(m.Name); folded[fold] {
			return nil, envelope.Refuse("E02", "duplicate-member", "cannot read the case: the zip file has %s twice", m.Name)
		} else {
			folded[fold] = true
		}
		members[m.Name] = m
		packed += m.CompressedSize64
		if m.Name != dossier.Sealed {
			text += m.UncompressedSize64
		}
	}
	switch {
	case packed > uint64(size):
		return nil, envelope.Refuse("E02", "overlap", "cannot read the case: members of the zip file lie over one another")
	case text > maxAll:
		return nil, envelope.Refuse("E01", "bytes", "cannot read the case: unpacked it is larger than a case can be")
	}
	return members, nil
}

// allowed looks at one member's name, kind, packing and size.
func allowed(m *zip.File) error {
	switch {
	case !isPlain(m.Name):
		return envelope.Refuse("E28", "name", "cannot read the case: a member of the zip file has a name that leads elsewhere, or is no plain one")
	case !dossier.MayHold(m.Name):
		return envelope.Refuse("E02", "extra-member", "cannot read the case: %s is no file of a case", m.Name)
	case !m.Mode().IsRegular() || m.Flags&1 != 0:
		return envelope.Refuse("E02", "member", "cannot read the case: %s is no plain file", m.Name)
	case m.Method != zip.Store && (m.Method != zip.Deflate || m.Name == dossier.Sealed):
		return envelope.Refuse("E02", "packed", "cannot read the case: %s is packed in a way that is not taken", m.Name)
	case m.Method == zip.Store && m.CompressedSize64 != m.UncompressedSize64:
		return envelope.Refuse("E02", "member", "cannot read the case: %s has two sizes", m.Name)
	case m.Name != dossier.Sealed && m.UncompressedSize64 > maxText:
		return envelope.Refuse("E01", "bytes", "cannot read the case: %s is larger than such a file can be", m.Name)
	}
	return nil
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,128}(/[A-Za-z0-9._-]{1,128})?$`)

func isPlain(name string) bool {
	return plainName.MatchString(name) && path.Clean(name) == name && !strings.HasPrefix(name, ".") && !strings.Contains(name, "/.")
}
