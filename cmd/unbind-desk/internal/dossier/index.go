package dossier

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"unbindd/agent/envelope"
	"unbindd/agent/receipt"
)

// index checks that the files of the case are those that the desk listed when it handed
// the case out: none fewer, none more, none changed. It needs the trust alone, and the
// newest of it, for list and trust were handed out together.
func (r *reader) index() (string, error) {
	if r.believed == nil {
		return "", errSkipped
	}
	text, err := readExact(r.src, Index)
	if err != nil && r.Indexed {
		return "", demanded(err, "whoever verifies this")
	}
	if err != nil {
		return "", err
	}
	e, err := envelope.Parse(text, receipt.MaxIndex)
	if err != nil {
		return "", err
	}
	x, err := receipt.OpenIndex(e, r.believed)
	if err != nil {
		return "", err
	}
	if err := r.fits(x); err != nil {
		return "", err
	}
	there, err := r.files()
	if err != nil {
		return "", err
	}
	r.listed = &x
	if err := errors.Join(r.moment(x), told(x.Compare(there))); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d file(s), all that the desk handed out at %s, the case being %s", len(x.Files), clock(x.At), x.State), nil
}

// fits compares what the index says of itself with the case that it lies in.
func (r *reader) fits(x receipt.Index) error {
	if r.grounds != nil {
		if c := r.grounds.Command.Command(); x.Case != c.Case || x.Terminal != c.Terminal {
			return errors.New("it is of another case")
		}
	}
	return nil
}

// moment compares the log that the index names with the one that the proofs lead to,
// where the case has any.
func (r *reader) moment(x receipt.Index) error {
	c := r.checkpoint
	if c != nil && (x.Log == nil || string(x.Log.Origin) != c.Origin || x.Log.Size != c.Size || !bytes.Equal(x.Log.Root, c.Root[:])) {
		return errors.New("it names another state of the log than the proofs are under")
	}
	return nil
}

// told names every file that is not as the index has it, a line for each kind.
func told(d receipt.Differs) error {
	var lines []error
	if len(d.Missing) > 0 {
		lines = append(lines, fmt.Errorf("listed by the desk and not there: %s", strings.Join(d.Missing, ", ")))
	}
	if len(d.Changed) > 0 {
		lines = append(lines, fmt.Errorf("not as the desk listed it: %s", strings.Join(d.Changed, ", ")))
	}
	if len(d.Added) > 0 {
		lines = append(lines, fmt.Errorf("there and not listed by the desk: %s", strings.Join(d.Added, ", ")))
	}
	return errors.Join(lines...)
}

// names are all files that are there under a name of the case, without the index.
// What lies beside them under other names is read by nobody.
func (r *reader) names() (names []string, err error) {
	plain := slices.Clone(others)
	for _, name := range plainNames {
		plain = append(plain, name)
	}
	for _, name := range plain {
		there, err := r.has(name)
		if err != nil {
			return nil, err
		}
		if there && name != Index && !strings.Contains(name, "/") { // those are listed below
			names = append(names, name)
		}
	}
	for folder := range folders {
		more, err := r.src.List(folder)
		if err != nil {
			return nil, err
		}
		names = append(names, more...)
	}
	slices.Sort(names)
	return names, nil
}

// files are the names with what an index would have of them.
func (r *reader) files() (files []receipt.File, err error) {
	names, err := r.names()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		f, err := r.summed(name)
		if err != nil {
			return nil, fmt.Errorf("cannot read %s: %w", name, err)
		}
		files = append(files, f)
	}
	return files, nil
}

func (r *reader) summed(name string) (file receipt.File, err error) {
	f, err := r.src.Open(name)
	if err != nil {
		return file, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	sum := sha256.New()
	size, err := io.Copy(sum, f)
	return receipt.File{Digest: envelope.FromRaw([32]byte(sum.Sum(nil))), Name: envelope.ID(name), Size: size}, err
}
