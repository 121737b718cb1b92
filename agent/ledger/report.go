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
	Mendable bool   `json:"mendable,omitempty"` // it can be written anew without losing a record
	Mended   bool   `json:"mended,omitempty"`   // it was
	Kept     string `json:"kept,omitempty"`     // the name of the damaged file, beside it
}

// Records is how many records belong into the segment, as far as is known.
func (s Segment) Records() uint64 { return s.Last + 1 - s.First }

// Sound says that there is nothing wrong with the segment's file.
func (s Segment) Sound() bool { return s.Damage == "" }

// Sentence tells it to a person.
func (s Segment) Sentence() string {
	text := fmt.Sprintf("segment %d: ", s.Segment)
	switch {
	case s.Whole == 0 && len(s.Missing) == 0 && s.Open:
		return text + fmt.Sprintf("nothing in it can be read; what came after record %d is not known", s.Last)
	case len(s.Missing) > 0:
		text += fmt.Sprintf("%d of %d records are whole; %s cannot be read", s.Whole, s.Records(), spansText(s.Missing))
	default:
		text += fmt.Sprintf("all %d records are whole", s.Whole)
	}
	switch {
	case s.Mended:
		text += "; it was written anew, and the damaged file is kept as " + s.Kept
	case s.Open:
		text += fmt.Sprintf("; what came after record %d is not known", s.Last)
	case s.Mendable:
		text += "; the file around them is damaged and can be written anew"
	case !s.Sound() && len(s.Missing) == 0:
		text += "; it cannot be written anew, because the totals before it are not known"
	}
	return text
}

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
			if n := len(all); n > 0 && all[n-1].Last+1 == m.First {
				all[n-1].Last = m.Last // a hole knows nothing of segments
				continue
			}
			all = append(all, m)
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

// Sentence tells the whole to a person, in one.
func (r Report) Sentence() string {
	switch {
	case r.Sound():
		return fmt.Sprintf("the ledger is whole: %d records in %d segments", r.Whole, len(r.Segments))
	case r.Complete():
		return fmt.Sprintf("all %d records of the ledger are whole; a file around them is damaged", r.Whole)
	case len(r.Missing()) == 0:
		return fmt.Sprintf("%d records of the ledger are whole; whether there were more after the last of them is not known", r.Whole)
	}
	return fmt.Sprintf("%d of %d records of the ledger are whole; %s cannot be read", r.Whole, r.Records, spansText(r.Missing()))
}
