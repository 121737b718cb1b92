package agent

import (
	"crypto/hmac"
	"crypto/sha256"
	"io"
	"slices"

	"unbindd/agent/certificate"
	"unbindd/agent/local"
	"unbindd/wipe"
)

// listing is what was there of every target when the erasure of the host began,
// and where else copies may be. It is written before the first of them is
// touched and never again.
type listing struct {
	Elsewhere []string         `json:"elsewhere"`
	Key       []byte           `json:"key"` // of the names; it dies with the journal
	Places    map[string]found `json:"places"`
}

// found is one target's part. Names are marks under the key: nobody reads a
// merchant's words out of a journal.
type found struct {
	Items  int64  `json:"items"`
	Bytes  int64  `json:"bytes"`
	Marks  []byte `json:"marks"`            // one after the other, in no order that tells anything
	Unseen bool   `json:"unseen,omitempty"` // nobody could look
	Cut    bool   `json:"cut,omitempty"`    // more names than are kept
}

const (
	markSize = 8
	// maxMarks bounds the names kept of all targets, so that the list fits the
	// journal's reserve; what is beyond is counted and not told apart.
	maxMarks = 2048
)

// listBefore lists every target of the host.
func (a *Agent) listBefore(c *caseFile) error {
	targets, err := a.allTargets(c)
	if err != nil {
		return err
	}
	return a.writeList(targets)
}

// writeList writes the list, once.
func (a *Agent) writeList(targets []target) error {
	var before listing
	if done, err := a.journal.Get(noteBefore, &before); err != nil || done {
		return err
	}
	before = listing{Elsewhere: []string{}, Key: make([]byte, 16), Places: map[string]found{}}
	if _, err := io.ReadFull(a.Rand, before.Key); err != nil {
		return err
	}
	for _, h := range wipe.Around(a.Machine) {
		before.Elsewhere = append(before.Elsewhere, h.Code)
	}
	room := maxMarks
	for _, t := range targets {
		before.Places[t.Name] = before.list(a.Sys, t, &room)
	}
	return a.journal.Save(noteBefore, before)
}

func (l *listing) list(sys wipe.Sys, t target, room *int) found {
	survey := wipe.Dry(sys, t.Target)
	names, err := wipe.Look(sys, t.Target)
	f := found{Items: survey.Items, Bytes: survey.Bytes, Unseen: err != nil}
	if f.Cut = len(names) > *room; f.Cut {
		return f // part of the marks would tell nobody's strangers apart
	}
	for _, name := range names {
		f.Marks = append(f.Marks, l.mark(t.Name, name)...)
	}
	*room -= len(names)
	return f
}

func (l *listing) mark(target, name string) []byte {
	h := hmac.New(sha256.New, l.Key)
	io.WriteString(h, target+"\x00"+name) // a hash takes everything
	return h.Sum(nil)[:markSize]
}

// strangers are the marks of names that were not there when the list was made, and
// not among those that are known to have come since; told is false where the list
// cannot say.
func (l *listing) strangers(target string, names []string, since []byte) (marks []byte, told bool) {
	f, listed := l.Places[target]
	if !listed || f.Cut || f.Unseen {
		return nil, false
	}
	known := map[string]bool{}
	for mark := range slices.Chunk(slices.Concat(f.Marks, since), markSize) {
		known[string(mark)] = true
	}
	for _, name := range names {
		if mark := l.mark(target, name); !known[string(mark)] {
			marks = append(marks, mark...)
		}
	}
	return marks, true
}

// maxCame is how many strangers of a target are remembered, so that one that stays
// is not counted again.
const maxCame = 32

// appeared notes what came into a target between the list and its erasure.
func (a *Agent) appeared(t target, b *begun) error {
	var before listing
	if ok, err := a.journal.Get(noteBefore, &before); err != nil || !ok {
		b.Uncounted = true
		return err
	}
	names, err := wipe.Look(a.Sys, t.Target)
	came, told := before.strangers(t.Name, names, nil)
	if err != nil || !told {
		b.Uncounted = true // what stops the look, the erase will meet and tell
		return nil
	}
	b.Appeared = int64(len(came) / markSize)
	b.Came = came[:min(len(came), maxCame*markSize)]
	return nil
}

// since adds what came after the erasure of a target began, or, where not all that
// came before is known by its mark, tells the least it can be.
func (l *listing) since(b begun, target string, left []string) (appeared int64, uncounted bool) {
	more, told := l.strangers(target, left, b.Came)
	n := int64(len(more) / markSize)
	if int64(len(b.Came)/markSize) < b.Appeared {
		return max(b.Appeared, n+maxCame), true
	}
	return b.Appeared + n, b.Uncounted || !told
}

// listAfter looks at every target again and holds it against the list from
// before. It names the targets of which something is left, or that nobody can
// look into; never a file.
func (a *Agent) listAfter(targets []target) (copies certificate.Copies, residue []string, err error) {
	var before listing
	if _, err := a.journal.Get(noteBefore, &before); err != nil {
		return copies, nil, err
	}
	copies = certificate.Copies{Elsewhere: append([]string{}, before.Elsewhere...), Places: []certificate.Place{}}
	residue = []string{}
	for _, t := range targets {
		var b begun
		if _, err := a.journal.Get(noteBegun+t.Name, &b); err != nil {
			return copies, nil, err
		}
		f := before.Places[t.Name]
		left, lerr := wipe.Look(a.Sys, t.Target)
		p := certificate.Place{Bytes: f.Bytes, Items: f.Items, Left: int64(len(left)), Name: t.Name, Unseen: f.Unseen || lerr != nil}
		p.Appeared, p.Uncounted = before.since(b, t.Name, left)
		if lerr != nil || len(left) > 0 {
			residue = append(residue, t.Name)
		}
		copies.Places = append(copies.Places, p)
	}
	return copies, residue, nil
}

// beyond are the words for what no erase of a file reaches although the file was
// erased: memory that was paged out, and what this process does not see.
func (a *Agent) beyond() (words []string) {
	for _, h := range wipe.Around(a.Machine) {
		switch h.Code {
		case wipe.AroundSwap, wipe.AroundCrypt, wipe.AroundUnseen, wipe.AroundImage, wipe.AroundMounts, wipe.AroundHidden:
			words = append(words, h.Code)
		}
	}
	return words
}

// notes are hindrances in the words of the local API.
func notes(all []wipe.Hindrance) []local.Note {
	out := []local.Note{}
	for _, h := range all {
		out = append(out, local.Note{Code: h.Code, N: int64(h.N), Detail: h.Detail, Text: h.String(), Stops: h.Stops()})
	}
	return out
}
