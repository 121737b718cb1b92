package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

const label = "unbindd/ledger/1"

// Head is the newest record's number and chain value. An empty ledger's head
// has number 0 and the value the chain starts from.
type Head struct {
	Seq   uint64
	Chain [32]byte
}

// Digest writes the chain value as the house writes digests: "sha256:" and 64
// hex digits.
func (h Head) Digest() string { return "sha256:" + hex.EncodeToString(h.Chain[:]) }

// origin is chain(0): SHA-256(label ‖ binding digest), or the predecessor's head.
func origin(binding [32]byte, prev *[32]byte) [32]byte {
	if prev != nil {
		return *prev
	}
	return sha256.Sum256(append([]byte(label), binding[:]...))
}

// link is chain(i): SHA-256(chain(i-1) ‖ record bytes).
func link(before [32]byte, record []byte) (after [32]byte) {
	h := sha256.New()
	h.Write(before[:])
	h.Write(record)
	h.Sum(after[:0])
	return after
}

// ErrGap says that a reader's event number does not follow the one before it.
var ErrGap = errors.New("an event number is missing")

var (
	errChain    = errors.New("the chain value does not fit")
	errOrder    = errors.New("the records' numbers do not follow one another")
	errOverflow = errors.New("a sum would grow past 2^53")
)

// running is what a walk over the records carries along: the same for whoever
// appends, verifies or audits, so that they cannot disagree.
type running struct {
	head  Head
	tally Tally
	open  unsettled
	last  map[string]uint64 // highest event number of every reader
}

func startAt(head Head) *running {
	return &running{head: head, last: map[string]uint64{}}
}

func (r *running) clone() *running {
	c := *r
	c.tally.Sums = slices.Clone(r.tally.Sums)
	c.open = slices.Clone(r.open)
	c.last = maps.Clone(r.last)
	return &c
}

// follows checks an event number. A reader that is new here may begin anywhere:
// it may have counted on from an earlier binding. From then on its numbers are
// contiguous.
func (r *running) follows(reader string, evseq uint64) error {
	if last, known := r.last[reader]; known && evseq != last+1 {
		return fmt.Errorf("%w: event %d follows %d", ErrGap, evseq, last)
	}
	return nil
}

// take carries one record along; after is the chain value behind it. An error
// changes nothing.
func (r *running) take(rec *Record, after [32]byte) error {
	if rec.Seq != r.head.Seq+1 {
		return errOrder
	}
	if err := r.follows(rec.Reader, rec.Evseq); err != nil {
		return err
	}
	if !r.tally.fits(rec) || !r.open.fits(rec) {
		return errOverflow
	}
	r.tally.add(rec)
	r.open.add(rec)
	reader := rec.Reader
	if _, known := r.last[reader]; !known {
		reader = strings.Clone(reader) // it is a piece of the whole record
	}
	r.last[reader] = rec.Evseq
	r.head = Head{Seq: rec.Seq, Chain: after}
	return nil
}

func (r *running) equal(other *running) bool {
	same := r.tally.Count == other.tally.Count && r.tally.Events == other.tally.Events &&
		r.tally.Refused == other.tally.Refused && r.tally.First == other.tally.First &&
		r.tally.Last == other.tally.Last && slices.Equal(r.tally.Sums, other.tally.Sums)
	return same && r.head == other.head && slices.Equal(r.open, other.open) && maps.Equal(r.last, other.last)
}
