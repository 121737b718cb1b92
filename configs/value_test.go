package configs

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func sortStrings(s []string) []string {
	slices.Sort(s)
	return s
}

func TestValues(t *testing.T) {
	for _, c := range []struct {
		kind kind
		text string
		want any // nil: it is none
	}{
		{duration, "6h", 6 * time.Hour},
		{duration, "1m30s", 90 * time.Second},
		{duration, "0s", time.Duration(0)},
		{duration, "0", nil},
		{duration, "6", nil},
		{duration, "1e3", nil},
		{duration, "-1s", nil},
		{duration, "", nil},
		{duration, "6 h", nil},
		{size, "4MiB", int64(4 << 20)},
		{size, "0B", int64(0)},
		{size, "1GiB", int64(1 << 30)},
		{size, "1024", nil},
		{size, "4MB", nil},
		{size, "4mib", nil},
		{size, "-1KiB", nil},
		{size, "1.5MiB", nil},
		{size, "MiB", nil},
		{size, "9223372036854775807GiB", nil},
		{size, "", nil},
		{number, "115200", 115200},
		{number, "0x10", nil},
		{number, "1.0", nil},
		{number, "", nil},
		{text, "", ""},
		{group, "x", nil},
	} {
		got, wrong := valueOf(c.kind, c.text)
		if got != c.want || (wrong == nil) != (c.want != nil) {
			t.Errorf("%s %q: %v, %+v; want %v", c.kind, c.text, got, wrong, c.want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"baud", "baud", 0}, {"buad", "baud", 2}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("%q to %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b")
		if distance(a, b) != distance(b, a) || (distance(a, b) == 0) != (a == b) {
			t.Fatalf("%q and %q: %d and %d", a, b, distance(a, b), distance(b, a))
		}
	})
}
