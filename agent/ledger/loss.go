package ledger

import (
	"errors"
	"fmt"
	"io"
)

// Loss tells kinds of damage apart that want different next steps.
type Loss string

// What can be lost of a ledger, or lie in its place. Damage that is none of them
// has no Loss.
const (
	CutShort    Loss = "cut-short"    // a file ends before its records do
	SegmentGone Loss = "segment-gone" // a file is not there, and later ones are
	EndGone     Loss = "end-gone"     // it ends before a record that was known to be in it
	AllGone     Loss = "all-gone"     // no file is there, and a record was known to be in one
	Foreign     Loss = "foreign"      // a file is no segment of this ledger
)

// lossError is damage with its kind.
type lossError struct {
	loss Loss
	error
}

func (e lossError) Unwrap() error { return e.error }

func lose(loss Loss, format string, args ...any) error {
	return lossError{loss, fmt.Errorf("%w: %w", ErrDamaged, fmt.Errorf(format, args...))}
}

// ofShort makes a loss of the end of a file that was met too early.
func ofShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return lose(CutShort, "the file is cut short")
	}
	return err
}

// LossOf is the kind of loss that an error tells of; "" if none.
func LossOf(err error) Loss {
	var l lossError
	switch {
	case errors.As(err, &l):
		return l.loss
	case errors.Is(err, ErrKey), errors.Is(err, ErrBinding):
		return Foreign
	}
	return ""
}

// Lacks says whether the ledger ends before a record that was durable once. Who
// opened it with Options.Known need not ask.
func (l *Ledger) Lacks(known uint64) error {
	if head := l.Head(); head.Seq < known {
		return lose(EndGone, "it ends at record %d, and number %d was in it", head.Seq, known)
	}
	return nil
}

// endAt puts what was known to be in the ledger behind what was found of it.
func (r *Report) endAt(known uint64) {
	last := uint64(0)
	if n := len(r.Segments); n > 0 {
		last = r.Segments[n-1].Last
	}
	if last >= known {
		return
	}
	gone := Span{last + 1, known}
	if n := len(r.Segments); n > 0 && r.Segments[n-1].Open {
		s := &r.Segments[n-1] // what came after its end was not known until now
		s.Last, s.Missing = known, addSpan(s.Missing, gone)
		if s.Loss == "" {
			s.Loss = EndGone
		}
		r.Records += known - last
		return
	}
	s := Segment{Segment: uint64(len(r.Segments)) + 1, First: gone.First, Last: known, Missing: []Span{gone}, Open: true, Loss: EndGone}
	if len(r.Segments) == 0 {
		s.Loss = AllGone
	}
	s.Damage = fmt.Sprintf("%s: nothing is there of records %s", ErrDamaged, gone)
	r.add(s)
}

// Loss is the gravest kind of loss in it.
func (r Report) Loss() (gravest Loss) {
	for _, kind := range []Loss{CutShort, Foreign, SegmentGone, EndGone, AllGone} {
		for _, s := range r.Segments {
			if s.Loss == kind {
				gravest = kind
			}
		}
	}
	return gravest
}
