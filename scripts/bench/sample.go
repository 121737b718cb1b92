package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// sample is one figure, measured once in each round.
type sample []float64

func (s sample) median() float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(s))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

// over is the ratio of each round: a slow moment of the machine falls on both
// sides of a ratio that is taken within one round.
func (s sample) over(baseline sample) sample {
	ratios := make(sample, min(len(s), len(baseline)))
	for i := range ratios {
		ratios[i] = s[i] / baseline[i]
	}
	return ratios
}

// of is each value times a factor.
func (s sample) of(factor float64) sample {
	out := make(sample, len(s))
	for i, v := range s {
		out[i] = v * factor
	}
	return out
}

// below counts the rounds under a mark.
func (s sample) below(mark float64) (n int) {
	for _, v := range s {
		if v < mark {
			n++
		}
	}
	return n
}

// told writes median and span in a format; one round has no span.
func (s sample) told(format func(float64) string) string {
	switch len(s) {
	case 0:
		return "–"
	case 1:
		return format(s[0])
	}
	return fmt.Sprintf("%s (%s..%s)", format(s.median()), format(slices.Min(s)), format(slices.Max(s)))
}

// The formats of the tables.
func times(v float64) string { return fmt.Sprintf("%.2f", v) }
func whole(v float64) string { return thousands(int(math.Round(v))) }

// micros writes microseconds.
func micros(v float64) string { return fmt.Sprintf("%.0f µs", v) }

// seconds writes seconds with as many digits as say something.
func seconds(v float64) string {
	switch {
	case v < 0.1:
		return fmt.Sprintf("%.1f ms", v*1000)
	case v < 10:
		return fmt.Sprintf("%.2f s", v)
	}
	return fmt.Sprintf("%.1f s", v)
}

// megabytes writes bytes in MB of 1,000,000.
func megabytes(v float64) string { return fmt.Sprintf("%.1f MB", v/1e6) }

// thousands writes a number with commas.
func thousands(n int) string {
	text := strconv.Itoa(n)
	var b strings.Builder
	for i, digit := range text {
		if i > 0 && (len(text)-i)%3 == 0 && text[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	return b.String()
}
