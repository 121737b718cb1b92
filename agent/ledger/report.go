package ledger

import "fmt"

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
