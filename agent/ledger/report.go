package ledger

import (
	"fmt"
	"slices"
)

// Segment is what one segment is worth.
type Segment struct {
	Segment  uint64 `json:"segment"`
	First    uint64 `json:"first"` // the first record that belongs into it
	Last     uint64 `json:"last"`  // the last one known; First-1 if there is none
	Whole    uint64 `json:"whole"` // how many of them were read and are what was written
	Missing  []Span `json:"missing,omitempty"`
	Open     bool   `json:"open,omitempty"`     // what came after Last is not known
	Damage   string `json:"damage,omitempty"`   // what is wrong with the file; "" if nothing
	Loss     Loss   `json:"loss,omitempty"`     // which kind, if it is one of them
	Mendable bool   `json:"mendable,omitempty"` // it can be written anew without losing a record
	Mended   bool   `json:"mended,omitempty"`   // it was
	Kept     string `json:"kept,omitempty"`     // the name of the damaged file, beside it
}

// Records is how many records belong into the segment, as far as is known.
func (s Segment) Records() uint64 { return s.Last + 1 - s.First }

// Sound says that there is nothing wrong with the segment's file.
func (s Segment) Sound() bool { return s.Damage == "" }

// Report is what a ledger is worth, segment by segment.
type Report struct {
	Records  uint64    `json:"records"` // that belong into the ledger, as far as is known
	Whole    uint64    `json:"whole"`
	Segments []Segment `json:"segments"`
}

func (r *Report) add(s Segment) {
	r.Segments = append(r.Segments, s)
	r.Records += s.Records()
	r.Whole += s.Whole
}

// Sound says that nothing is wrong with any segment.
func (r Report) Sound() bool {
	for _, s := range r.Segments {
		if !s.Sound() {
			return false
		}
	}
	return true
}

// Open says that whether there were more records at the end of a segment is not
// known.
func (r Report) Open() bool {
	return slices.ContainsFunc(r.Segments, func(s Segment) bool { return s.Open })
}

// Complete says that every record is there, and that no more were.
func (r Report) Complete() bool {
	for _, s := range r.Segments {
		if s.Open || len(s.Missing) > 0 {
			return false
		}
	}
	return true
}

// Changed says that a segment was written anew.
func (r Report) Changed() bool {
	for _, s := range r.Segments {
		if s.Mended {
			return true
		}
	}
	return false
}

// Missing names every record that cannot be read.
func (r Report) Missing() []Span {
	all := []Span{}
	for _, s := range r.Segments {
		for _, m := range s.Missing {
			all = addSpan(all, m) // a hole knows nothing of segments
		}
	}
	return all
}

// Counts tells what can be read and what not, without a number of any record.
func (r Report) Counts() string {
	text := fmt.Sprintf("%d of %d records can be read", r.Whole, r.Records)
	if r.Open() {
		return text + ", and whether there were more is not known"
	}
	return text + fmt.Sprintf(", %d cannot", r.Records-r.Whole)
}
