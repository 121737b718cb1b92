package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"unbindd/agent/certificate"
	"unbindd/agent/envelope"
	"unbindd/agent/receipt"
)

// beside is an index, what of its files lies beside it, and what was given to verify.
type beside struct {
	paperwork
	there []receipt.File
	given []receipt.File // under the paths they were given by
}

// listed is what an index that holds says, for verify's JSON and its last line.
type listed struct {
	Files int         `json:"files"`
	At    string      `json:"at"`
	State envelope.ID `json:"state"`
}

// beside reads an index, and makes the digests of all that it could be about.
func (t *tool) beside(s sources) (*beside, error) {
	text, err := t.read(s.index)
	if err != nil {
		return nil, err
	}
	e, err := envelope.Parse(text, receipt.MaxIndex)
	if err != nil {
		return nil, fmt.Errorf("cannot use %s: %w", s.index, err)
	}
	b := &beside{paperwork: paperwork{file: s.index, envelope: e}}
	var x receipt.Index
	if envelope.Decode(e.Payload, &x) != nil {
		return b, nil // said when it is looked at
	}
	for _, f := range x.Files {
		if !filepath.IsLocal(string(f.Name)) {
			continue // it leads out of the folder, so it is not there
		}
		found, err := summed(filepath.Join(filepath.Dir(s.index), filepath.FromSlash(string(f.Name))), f.Name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		b.there = append(b.there, found)
	}
	return b, b.give(append(slices.Clone(s.certificates), s.trust, s.binding, s.receipt, s.manifest, s.command, s.proof))
}

// give makes the digests of the files that verify is to use. A tombstone is not among
// them: the terminal's own is no file of the case.
func (b *beside) give(paths []string) error {
	for _, path := range paths {
		if path == "" {
			continue
		}
		f, err := summed(path, "given")
		if err != nil {
			return err
		}
		f.Name = envelope.ID(path)
		b.given = append(b.given, f)
	}
	return nil
}

func summed(path string, name envelope.ID) (file receipt.File, err error) {
	f, err := os.Open(path)
	if err != nil {
		return file, fmt.Errorf("cannot read a file of the case: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	sum := sha256.New()
	size, err := io.Copy(sum, f)
	return receipt.File{Digest: envelope.FromRaw([32]byte(sum.Sum(nil))), Name: name, Size: size}, err
}

// checkIndex holds the files against the desk's index, under the newest version of the
// trust: both were handed out together.
func (x *examination) checkIndex() (words, error) {
	list, err := receipt.OpenIndex(x.index.envelope, x.versions[0])
	if err != nil {
		return words{}, err
	}
	for _, c := range x.certificates {
		if p := x.predicateOf(c); p != nil && (list.Case != p.Case || list.Terminal != p.Terminal.ID) {
			return words{}, errors.New("cannot use the index: it is of another case")
		}
	}
	differs := list.Compare(x.index.there)
	known := map[envelope.Digest]bool{}
	for _, f := range list.Files {
		known[f.Digest] = true
	}
	for _, f := range x.index.given {
		if !known[f.Digest] {
			differs.Added = append(differs.Added, string(f.Name))
		}
	}
	if err := told(differs); err != nil {
		return words{}, err
	}
	x.Index = &listed{Files: len(list.Files), At: time.Unix(list.At, 0).UTC().Format(time.RFC3339), State: list.State}
	return words{"%d files, each as the desk listed it", "文件 %d 份，均与后台所列一致"}.fill(len(list.Files)), nil
}

// predicateOf is what an opened certificate says.
func (x *examination) predicateOf(c paperwork) *certificate.Predicate {
	for _, o := range x.Certificates {
		if o.File == c.file {
			return &o.Statement.Predicate
		}
	}
	return nil
}

// told names what is not as the desk listed it.
func told(d receipt.Differs) error {
	var parts []string
	for _, kind := range []struct {
		says  string
		names []string
	}{{"not there: ", d.Missing}, {"with other bytes: ", d.Changed}, {"given and not listed: ", d.Added}} {
		if len(kind.names) > 0 {
			parts = append(parts, kind.says+strings.Join(kind.names, ", "))
		}
	}
	if parts == nil {
		return nil
	}
	return fmt.Errorf("cannot accept the case's files: they are not those that the desk listed: %s", strings.Join(parts, "; "))
}

// lastWords say, where nothing failed, what commits to the number of the case's files.
func lastWords(l *listed) words {
	if l == nil {
		return words{"Nothing here commits to the number of the case's files (no --index).",
			"此处没有任何签名确定案件的文件份数（未给出 --index）。"}
	}
	return words{"The case's %d files are all that the desk had as of %s, the case then being %s. What came later is not in it.",
		"案件的 %d 份文件即后台截至 %s 的全部文件，当时案件状态：%s。此后的文件不在其中。"}.fill(l.Files, l.At, l.State)
}
