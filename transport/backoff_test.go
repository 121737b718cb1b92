package transport

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDelayDoublesUpToItsBound(t *testing.T) {
	highest := Backoff{Min: time.Second, Max: 10 * time.Second, Int: func(n int64) int64 { return n - 1 }}
	for i, want := range []time.Duration{1, 2, 4, 8, 10, 10} {
		if got := highest.Delay(i + 1); got != want*time.Second {
			t.Errorf("after %d failures: %v, want %v", i+1, got, want*time.Second)
		}
	}
}

func TestDelayStaysInItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := Backoff{
			Min: time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "min")),
			Max: time.Duration(rapid.Int64Range(0, int64(100*24*time.Hour)).Draw(t, "max")),
		}
		last := b.Max
		if last == 0 {
			last = 15 * time.Minute
		}
		if d := b.Delay(rapid.IntRange(0, 1<<30).Draw(t, "failures")); d < 0 || d > last {
			t.Fatalf("delay %v outside 0..%v", d, last)
		}
	})
}
