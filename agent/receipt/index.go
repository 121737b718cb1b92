package receipt

import (
	"cmp"
	"slices"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

// IndexKind is the payload kind of an index.
const IndexKind = "index"

// MaxIndex is the most bytes of an index's envelope: it has a line for each of a case's
// files, of which there may be thousands.
const MaxIndex = 1 << 20

// Index is the desk's word on how many files a case had when it was handed out, and what
// they were: what came later is in a later one. Whoever removes a file from the case
// cannot remove its line.
type Index struct {
	At       int64       `json:"at"` // Unix seconds: when it was handed out
	Case     envelope.ID `json:"case"`
	Files    []File      `json:"files"`         // all but the index, sorted by name
	Log      *Moment     `json:"log,omitempty"` // under which the proofs are; none where there are none
	State    envelope.ID `json:"state"`         // of the case, at the desk
	Terminal envelope.ID `json:"terminal"`
	V        int         `json:"v"`
}

// File is one file of a case: SHA-256 and number of its bytes as they lie there.
type File struct {
	Digest envelope.Digest `json:"digest"`
	Name   envelope.ID     `json:"name"` // with / between folder and file
	Size   int64           `json:"size"`
}

// Moment is the desk's log at one moment, as its checkpoint has it.
type Moment struct {
	Origin envelope.ID `json:"origin"`
	Root   []byte      `json:"root"`
	Size   int64       `json:"size"`
}

// Seal signs the index, with its files in the order that is checked. It refuses what
// nobody would take.
func (x Index) Seal(by envelope.Signer) (*envelope.Envelope, error) {
	x.Files = slices.SortedFunc(slices.Values(x.Files), byName)
	if err := x.check(); err != nil {
		return nil, err
	}
	e, err := envelope.Seal(envelope.Type(IndexKind), x, by)
	if err == nil && len(e.Encode()) > MaxIndex {
		err = envelope.Refuse("E01", "bytes", "cannot index the case: it has too many files")
	}
	return e, err
}

// OpenIndex verifies an index as a receipt is verified, by the rule for receipts.
func OpenIndex(e *envelope.Envelope, t *trust.Trust) (x Index, err error) {
	if _, err := t.VerifyBy(e, envelope.Type(IndexKind), t.Rules[Kind]); err != nil {
		return x, envelope.Refuse("E24", "signer", "cannot accept the index: %w", err)
	}
	if err := envelope.Decode(e.Payload, &x); err != nil {
		return x, envelope.Refuse("E24", "form", "cannot accept the index: %w", err)
	}
	return x, x.check()
}

func (x *Index) check() error {
	ordered := slices.IsSortedFunc(x.Files, byName)
	unique := len(slices.CompactFunc(slices.Clone(x.Files), func(a, b File) bool { return a.Name == b.Name })) == len(x.Files)
	switch {
	case x.V != 1:
		return envelope.Refuse("E24", "v", "cannot accept the index: its version is another")
	case len(x.Files) == 0 || !ordered || !unique:
		return envelope.Refuse("E24", "form", "cannot accept the index: its files are not in order, each once")
	}
	return nil
}

func byName(a, b File) int { return cmp.Compare(a.Name, b.Name) }

// Differs is what a case has otherwise than its index.
type Differs struct {
	Missing []string // listed, and not there
	Changed []string // there, with other bytes
	Added   []string // there, and not listed
}

// Compare holds the files that are there, without the index itself, against the index.
func (x *Index) Compare(there []File) (d Differs) {
	left := map[envelope.ID]File{}
	for _, f := range there {
		left[f.Name] = f
	}
	for _, listed := range x.Files {
		f, ok := left[listed.Name]
		delete(left, listed.Name)
		switch {
		case !ok:
			d.Missing = append(d.Missing, string(listed.Name))
		case f != listed:
			d.Changed = append(d.Changed, string(listed.Name))
		}
	}
	for name := range left {
		d.Added = append(d.Added, string(name))
	}
	slices.Sort(d.Added)
	return d
}
