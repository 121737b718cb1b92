package lab

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
)

// kind is one kind of hiding place; each has a word of its own, so that a hit
// says where it came from.
type kind string

// The kinds.
const (
	content  kind = "content"  // files as they were when they were erased
	former   kind = "former"   // what a file held before it was written over in place
	replaced kind = "replaced" // versions that a rename put out of sight
	logged   kind = "log"      // a log, flushed after each line
	freed    kind = "freed"    // values that were deleted from a database
	named    kind = "names"    // file names
	attr     kind = "xattrs"
	link     kind = "links" // targets of symbolic links
)

// kinds is every kind, in the order of the tables.
var kinds = []kind{content, former, logged, freed, replaced, named, attr, link}

// words are the planted words of one run.
type words map[kind]string

// wordSize is the length of a word. Contents are made of whole words, and words
// of 32 bytes never lie across a page.
const wordSize = 32

// newWords draws words that nobody has used before. Letters and digits only, as
// they must serve as names; one beginning for all of a run, which is what the
// search looks for first.
func newWords() words {
	run := make([]byte, 6)
	_, _ = rand.Read(run) // cannot fail
	w := words{}
	for _, k := range kinds {
		own := make([]byte, 10)
		_, _ = rand.Read(own)
		w[k] = hex.EncodeToString(run) + hex.EncodeToString(own)
	}
	return w
}

// text is n bytes of nothing but the word.
func (w words) text(k kind, n int) []byte {
	return []byte(strings.Repeat(w[k], n/wordSize+1)[:n])
}

// count is the hits of each kind.
type count map[kind]int

func (c count) of(some ...kind) (n int) {
	for _, k := range some {
		n += c[k]
	}
	return n
}

func (c count) all() int { return c.of(kinds...) }

// inFiles are the kinds that lie within a file's own blocks when it is erased.
var inFiles = []kind{content, former, logged, freed}

func (c count) String() string {
	var parts []string
	for _, k := range kinds {
		if c[k] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", k, c[k]))
		}
	}
	if parts == nil {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}
