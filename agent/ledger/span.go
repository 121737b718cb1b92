package ledger

import (
	"cmp"
	"fmt"
	"slices"
)

// Span is the records from First to Last, both among them.
type Span struct {
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
}

// String writes it as people do: 7, or 7-9.
func (s Span) String() string {
	if s.First == s.Last {
		return fmt.Sprint(s.First)
	}
	return fmt.Sprintf("%d-%d", s.First, s.Last)
}

// addTo puts a number behind rising spans.
func addTo(spans []Span, seq uint64) []Span {
	if n := len(spans); n > 0 && spans[n-1].Last+1 == seq {
		spans[n-1].Last = seq
		return spans
	}
	return append(spans, Span{seq, seq})
}

// addSpan puts a stretch behind rising spans.
func addSpan(spans []Span, s Span) []Span {
	if n := len(spans); n > 0 && spans[n-1].Last+1 == s.First {
		spans[n-1].Last = s.Last
		return spans
	}
	return append(spans, s)
}

func spansHold(spans []Span, seq uint64) bool {
	_, found := slices.BinarySearchFunc(spans, seq, func(s Span, seq uint64) int {
		if seq >= s.First && seq <= s.Last {
			return 0
		}
		return cmp.Compare(s.First, seq)
	})
	return found
}

func spansCount(spans []Span) (n uint64) {
	for _, s := range spans {
		n += s.Last - s.First + 1
	}
	return n
}
