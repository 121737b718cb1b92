package main

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		of   sample
		want float64
	}{
		{sample{3}, 3},
		{sample{9, 1, 5}, 5},
		{sample{4, 1, 3, 2}, 2.5},
	} {
		if got := c.of.median(); got != c.want {
			t.Errorf("median of %v is %v, want %v", c.of, got, c.want)
		}
	}
	if !math.IsNaN(sample{}.median()) {
		t.Error("nothing has a median")
	}
}

func TestMedianChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := sample(rapid.SliceOfN(rapid.Float64Range(0, 1e6), 1, 20).Draw(t, "s"))
		before := slices.Clone(s)
		m := s.median()
		if !slices.Equal(s, before) {
			t.Fatal("the rounds are in another order than their baselines now")
		}
		if m < slices.Min(s) || m > slices.Max(s) {
			t.Fatalf("median %v lies outside of %v", m, s)
		}
	})
}

// A ratio is taken round by round: a round that is slow on both sides says
// what the others say.
func TestRatiosAreTakenWithinARound(t *testing.T) {
	ours, base := sample{2, 20, 4}, sample{1, 10, 1}
	if got := ours.over(base); !slices.Equal(got, sample{2, 2, 4}) {
		t.Errorf("got %v", got)
	}
	if got := ours.over(sample{1}); len(got) != 1 {
		t.Errorf("a round without a baseline has the ratio %v", got)
	}
}

func TestTold(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{sample{}.told(times), "–"},
		{sample{1.234}.told(times), "1.23"},
		{sample{3, 1, 2}.told(times), "2.00 (1.00..3.00)"},
		{sample{0.0123}.told(seconds), "12.3 ms"},
		{sample{1.5}.told(seconds), "1.50 s"},
		{sample{61.04}.told(seconds), "61.0 s"},
		{sample{2_500_000}.told(megabytes), "2.5 MB"},
		{sample{1234.5}.told(micros), "1234 µs"},
		{sample{1234567}.told(whole), "1,234,567"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1_000_000: "1,000,000", -1000: "-1,000", -100: "-100"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is written %q, want %q", n, got, want)
		}
	}
}

func TestShareAndRoundsBelow(t *testing.T) {
	s := sample{3, 1, 2}
	if got := s.of(0.5); !slices.Equal(got, sample{1.5, 0.5, 1}) || s[0] != 3 {
		t.Errorf("half of it is %v, and it is %v", got, s)
	}
	if got := s.of(0.5).below(1); got != 1 {
		t.Errorf("%d rounds are below 1", got)
	}
}
