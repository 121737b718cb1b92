package lab

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// search finds planted words in a stream, all of them in one pass.
type search struct {
	begins map[string][]string // words by their first bytes
	length int                 // of the longest word
	found  map[string]int
	rest   []byte // the end of the last piece, where a word may have begun
}

// beginning is how much of the words is looked for first.
const beginning = 8

func newSearch(words ...string) *search {
	s := &search{begins: map[string][]string{}, found: map[string]int{}}
	for _, w := range words {
		if len(w) < beginning {
			panic("a word is too short to be searched for")
		}
		s.begins[w[:beginning]] = append(s.begins[w[:beginning]], w)
		s.length = max(s.length, len(w))
	}
	return s
}

// add searches the next piece of the stream. What may be the beginning of a word
// is kept and searched again in front of the next piece; a word is counted where
// it ends, so that none is counted twice.
func (s *search) add(piece []byte) {
	known := len(s.rest)
	all := append(s.rest, piece...)
	for begin, words := range s.begins {
		for at := 0; ; at++ {
			i := bytes.Index(all[at:], []byte(begin))
			if i < 0 {
				break
			}
			at += i
			for _, w := range words {
				if at+len(w) > known && bytes.HasPrefix(all[at:], []byte(w)) {
					s.found[w]++
				}
			}
		}
	}
	s.rest = append(s.rest[:0], all[max(0, len(all)-(s.length-1)):]...)
}

// gap says that what follows does not touch what came before.
func (s *search) gap() { s.rest = s.rest[:0] }

// pieceSize is how much of an image is held in memory.
const pieceSize = 1 << 20

// file searches a file, leaving out holes: there is nothing in them.
func (s *search) file(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	buf := make([]byte, pieceSize)
	for at := int64(0); ; {
		from, err := unix.Seek(int(f.Fd()), at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			return nil
		}
		if err != nil {
			return err
		}
		to, err := unix.Seek(int(f.Fd()), from, unix.SEEK_HOLE)
		if err != nil {
			return err
		}
		s.gap()
		if err := s.stream(io.NewSectionReader(f, from, to-from), buf); err != nil {
			return err
		}
		at = to
	}
}

func (s *search) stream(r io.Reader, buf []byte) error {
	for {
		n, err := io.ReadFull(r, buf)
		s.add(buf[:n])
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// countIn counts the words in an image.
func (w words) countIn(path string) (count, error) {
	var all []string
	for _, k := range kinds {
		all = append(all, w[k])
	}
	s := newSearch(all...)
	if err := s.file(path); err != nil {
		return nil, err
	}
	c := count{}
	for _, k := range kinds {
		c[k] = s.found[w[k]]
	}
	return c, nil
}

// Wherever the pieces are cut, the count is that of strings.Count.
func TestTheSearchFindsWordsAcrossPieces(t *testing.T) {
	w := newWords()
	dice := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	want := map[string]int{}
	for range 300 {
		k := kinds[dice.IntN(len(kinds))]
		b.WriteString(w[k])
		want[w[k]]++
		b.WriteString(w[k][:dice.IntN(wordSize)]) // a word that breaks off
		b.Write(make([]byte, dice.IntN(50)))
	}
	stream := b.String()
	for size := 1; size < 200; size++ {
		var all []string
		for _, k := range kinds {
			all = append(all, w[k])
		}
		s := newSearch(append(all, "another beginning")...)
		must(t, s.stream(strings.NewReader(stream), make([]byte, size)))
		for word, n := range want {
			if s.found[word] != n || strings.Count(stream, word) != n {
				t.Fatalf("pieces of %d bytes: found %d, there are %d", size, s.found[word], n)
			}
		}
	}
}

// A word on each side of a hole, and one that only seems to be whole because two
// halves lie on both sides of it.
func TestTheSearchOfAnImageWithHoles(t *testing.T) {
	w, path := newWords(), filepath.Join(t.TempDir(), "image")
	must(t, os.WriteFile(path, nil, 0o600))
	must(t, os.Truncate(path, 64<<20))
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	defer f.Close()
	put := func(at int64, text string) {
		_, err := f.WriteAt([]byte(text), at)
		must(t, err)
	}
	put(0, w[content])
	put(pieceSize-5, w[named])
	put(3*pieceSize, strings.Repeat("x", 4096))
	put(3*pieceSize+4096-16, w[attr][:16])
	put(8*pieceSize, w[attr][16:])
	put(64<<20-wordSize, w[link])
	must(t, f.Sync())
	got, err := w.countIn(path)
	must(t, err)
	if got[content] != 1 || got[named] != 1 || got[link] != 1 || got.all() != 3 {
		t.Errorf("found %v", got)
	}
}
