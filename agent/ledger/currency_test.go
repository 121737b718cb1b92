package ledger

import (
	"slices"
	"testing"
)

// What nobody settles in is not taken in; what was booked before a code was
// withdrawn can still be read.
func TestUnknownCurrenciesAreRefusedAndReadable(t *testing.T) {
	l, _ := newLedger(t)
	in := func(n uint64, currency string) Event {
		return event(transaction("PX7-1", n, func(r *Record) { r.Currency = currency }))
	}
	done := mustAppend(t, l, "PX7-1", in(1, "CNY"), in(2, "ZZZ"), in(3, "XTS"), in(4, "XXX"), in(5, "VED"))
	want := []Refusal{{2, "E25:currency"}, {3, "E25:currency"}, {4, "E25:currency"}}
	if !slices.Equal(done.Refused, want) {
		t.Errorf("refused %v", done.Refused)
	}
	if _, err := ParseRecord(in(1, "HRK").Body); err != nil {
		t.Errorf("a record in a withdrawn currency cannot be read: %v", err)
	}
}
