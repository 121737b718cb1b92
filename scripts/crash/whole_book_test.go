//go:build (amd64 || arm64) && !android

package crash

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	gosync "sync"
	"syscall"
)

// book remembers, over many runs, what became of every image of one recording: a line
// an image, added when it was judged. A run that is stopped is gone on with from there.
type book struct {
	file *os.File

	mu     gosync.Mutex
	wanted map[string]page // the images of this run
	lines  map[string]page // the newest of each image
	again  map[string]bool // images that failed and passed when they were judged again
	judged int             // in this run
}

// version is what a book is of. Nothing that was judged by others counts.
type version struct {
	Programs string `json:"programs"` // their bytes
	Lab      string `json:"lab"`      // the sources that carry and judge
	Trace    string `json:"trace"`    // the recording
}

// page is one image: what it is, how it came about, and what became of it.
type page struct {
	Image     string `json:"image"` // the digest of all that is in it and was told of it
	Operation int    `json:"operation"`
	Loss      string `json:"loss"`
	Seed      uint64 `json:"seed"`
	Outcome   string `json:"outcome"` // passed, or what was wrong
}

const passedWord = "passed"

var errBookOfOthers = errors.New("it is of other programs, another lab or another recording: begin another book")

// openBook opens the book at path, or begins it.
func openBook(path string, of version) (_ *book, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("cannot go on with the book %s: %w", path, err), f.Close())
		}
	}()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, fmt.Errorf("another run writes it: %w", err)
	}
	b := &book{file: f, wanted: map[string]page{}, lines: map[string]page{}, again: map[string]bool{}}
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	whole := bytes.LastIndexByte(text, '\n') + 1 // a line that was cut is none
	if err := f.Truncate(int64(whole)); err != nil {
		return nil, err
	}
	if whole == 0 {
		return b, b.add(of)
	}
	return b, b.read(bytes.Split(text[:whole-1], []byte("\n")), of)
}

func (b *book) read(lines [][]byte, of version) error {
	var was version
	if err := json.Unmarshal(lines[0], &was); err != nil {
		return err
	}
	if was != of {
		return errBookOfOthers
	}
	for n, line := range lines[1:] {
		var p page
		if err := json.Unmarshal(line, &p); err != nil || p.Image == "" {
			return fmt.Errorf("line %d is no image: %v", n+2, err)
		}
		b.keep(p)
	}
	return nil
}

func (b *book) keep(p page) {
	if was, ok := b.lines[p.Image]; ok && was.Outcome != passedWord && p.Outcome == passedWord {
		b.again[p.Image] = true
	}
	b.lines[p.Image] = p
}

func (b *book) add(line any) error {
	text, err := json.Marshal(line)
	if err != nil {
		return err
	}
	end, err := b.file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if _, err = b.file.Write(append(text, '\n')); err != nil {
		return errors.Join(err, b.file.Truncate(end)) // half a line must not stand before the next
	}
	return nil
}

// page names an image, and counts it among those of this run.
func (b *book) page(digest string, n int, c choice, seed uint64) page {
	if b == nil {
		return page{}
	}
	p := page{Image: digest, Operation: n, Loss: c.name, Seed: seed}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.wanted[p.Image]; !ok {
		b.wanted[p.Image] = p
	}
	return p
}

// passed says that an image was judged well. One that failed is judged again.
func (b *book) passed(p page) bool {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lines[p.Image].Outcome == passedWord
}

// write adds the line of an image that was judged.
func (b *book) write(p page, failure string) error {
	if b == nil {
		return nil
	}
	if p.Outcome = failure; failure == "" {
		p.Outcome = passedWord
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.judged++
	b.keep(p)
	return b.add(p)
}

// count is what the book says of the images of this run.
func (b *book) count() (t tally) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t.of, t.judged = len(b.wanted), b.judged
	for _, image := range slices.Sorted(maps.Keys(b.wanted)) {
		p, ok := b.lines[image]
		switch {
		case !ok:
			continue
		case p.Outcome != passedWord:
			t.failures = append(t.failures, p.Outcome)
		case b.again[image]:
			t.again++
		}
		t.done++
	}
	return t
}
