package serve

import (
	"fmt"
	"testing"

	"unbindd/agent/envelope"
)

// One terminal that sends without end leaves places to the others.
func TestOneTerminalNeverTakesAllPlaces(t *testing.T) {
	var s slots
	var free []func()
	for range 20 {
		if release, ok := s.take("T-1"); ok {
			free = append(free, release)
		}
	}
	if len(free) != uploadsOne {
		t.Fatalf("one terminal has %d places", len(free))
	}
	for i := range uploads - uploadsOne {
		if _, ok := s.take(envelope.ID(fmt.Sprint("T-other-", i))); !ok {
			t.Fatalf("there is no place %d for another terminal", i)
		}
	}
	if _, ok := s.take("T-late"); ok {
		t.Fatal("there are more places than there may be")
	}
	free[0]()
	if _, ok := s.take("T-late"); !ok {
		t.Fatal("a place that was given back is not there")
	}
}
