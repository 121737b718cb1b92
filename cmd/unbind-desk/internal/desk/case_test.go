package desk

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// order is how far each state is from the beginning; a case only ever moves on. An
// order that was refused may be taken after all.
var order = []State{Drafted, Issued, Refused, Accepted, BackedUp, Cancelled, Undone, Erased, Acknowledged, Closed, Gone}

func TestStatesOnlyMoveOn(t *testing.T) {
	for from, all := range moves {
		for _, to := range all {
			if slices.Index(order, to) <= slices.Index(order, from) {
				t.Errorf("%s -> %s goes back", from, to)
			}
		}
	}
	for _, end := range []State{Cancelled, Undone, Gone} {
		if len(moves[end]) != 0 {
			t.Errorf("%s is an end and moves to %v", end, moves[end])
		}
	}
	for _, erased := range []State{Erased, Acknowledged, Closed} {
		for _, back := range []State{Undone, Cancelled, Refused, Accepted} {
			if slices.Contains(moves[erased], back) {
				t.Errorf("%s -> %s: nothing is undone after the point of no return", erased, back)
			}
		}
	}
}

// An open case is one whose orders still matter; no end is open.
func TestOpen(t *testing.T) {
	for _, s := range order {
		want := slices.Contains([]State{Issued, Accepted, BackedUp, Erased}, s)
		if open(s) != want {
			t.Errorf("%s: open is %v", s, open(s))
		}
	}
}

func TestNames(t *testing.T) {
	for text, ok := range map[string]bool{
		"T-1": true, "none:T-1": true, "a+b@c.d_e": true, "...": true, ".": false, "..": false, "": false, "a/b": false, "a b": false,
		"a\x00": false, "ä": false, "a\n": false,
	} {
		if _, err := Name("case", text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.String().Draw(r, "name")
		if id, err := Name("case", text); err == nil && (!id.Valid() || len(text) > 64) {
			r.Fatalf("%q passes", text)
		}
	})
}
