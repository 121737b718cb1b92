package main

import (
	"os"
	"testing"
)

func TestAnonymous(t *testing.T) {
	got, ok := anonymous("VmRSS:\t   9000 kB\nRssAnon:\t    1404 kB\nRssFile:\t    5 kB\n")
	if !ok || got != 1404<<10 {
		t.Errorf("got %d, %t", got, ok)
	}
	for _, text := range []string{"", "VmRSS:\t 1 kB\n", "RssAnon:\tmany kB\n", "RssAnon:\t5\n"} {
		if got, ok := anonymous(text); ok {
			t.Errorf("%q was read as %d", text, got)
		}
	}
}

func TestPeak(t *testing.T) {
	seen := []reading{{10, 5}, {20, 9}, {30, 7}}
	for _, c := range []struct {
		from, to, want int64
		found          bool
	}{{10, 30, 9, true}, {21, 30, 7, true}, {11, 19, 0, false}} {
		if got, found := peak(seen, c.from, c.to); got != c.want || found != c.found {
			t.Errorf("%d..%d: got %d, %t", c.from, c.to, got, found)
		}
	}
}

func TestMemoryOfThisProcessIsSeen(t *testing.T) {
	m := watchMemory(os.Getpid())
	seen := m.stop()
	if len(seen) == 0 || seen[0].bytes <= 0 {
		t.Errorf("seen %v", seen)
	}
}

func TestAProcessThatHasEndedEndsTheWatch(t *testing.T) {
	m := watchMemory(-1)
	<-m.ended
	if seen := m.stop(); len(seen) != 0 {
		t.Errorf("seen %v", seen)
	}
}
