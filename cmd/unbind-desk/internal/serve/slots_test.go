package serve

import (
	"fmt"
	"testing"
	"time"

	"unbindd/agent/envelope"
)

// seated is a set of places with a clock that stands until it is moved.
type seated struct {
	slots
	at  time.Time
	cut []string
}

func newSeated() *seated {
	s := &seated{at: time.Unix(1_800_000_000, 0)}
	s.now = func() time.Time { return s.at }
	return s
}

func (s *seated) sit(terminal string) (*place, bool) {
	return s.take(envelope.ID(terminal), DefaultLimits(), func() { s.cut = append(s.cut, terminal) })
}

// full seats one upload of each of eight terminals.
func (s *seated) full(t *testing.T) (all []*place) {
	t.Helper()
	for i := range uploads {
		p, ok := s.sit(fmt.Sprint("T-", i))
		if !ok {
			t.Fatalf("there is no place %d", i)
		}
		all = append(all, p)
	}
	return all
}

// One terminal that sends without end leaves places to the others, and has no second
// one once half of them are taken.
func TestOneTerminalNeverTakesAllPlaces(t *testing.T) {
	s := newSeated()
	var mine []*place
	for range 20 {
		if p, ok := s.sit("T-1"); ok {
			mine = append(mine, p)
		}
	}
	if len(mine) != uploadsOne {
		t.Fatalf("one terminal has %d places", len(mine))
	}
	for i := range uploads - uploadsOne {
		if _, ok := s.sit(fmt.Sprint("T-other-", i)); !ok {
			t.Fatalf("there is no place %d for another terminal", i)
		}
		if _, ok := s.sit(fmt.Sprint("T-other-", i)); ok && i >= uploads/2-uploadsOne {
			t.Fatalf("a terminal has a second place beside %d others", i+uploadsOne)
		} else if ok {
			s.held[len(s.held)-1].release()
		}
	}
	if _, ok := s.sit("T-late"); ok {
		t.Fatal("there are more places than there may be")
	}
	mine[0].release()
	if _, ok := s.sit("T-late"); !ok {
		t.Fatal("a place that was given back is not there")
	}
}

// Eight terminals that trickle do not keep a ninth out: the slowest that has had its time
// gives way, one that moves does not, and neither does one that is whole.
func TestWhoTricklesGivesWay(t *testing.T) {
	l := DefaultLimits()
	s := newSeated()
	all := s.full(t)
	for i, p := range all {
		if err := p.brought(int(l.Yield)/2+i, false); err != nil {
			t.Fatal(err)
		}
	}
	s.at = s.at.Add(l.Stall - 1)
	if _, ok := s.sit("T-late"); ok {
		t.Fatal("an upload gave way before it had had its time")
	}
	s.at = s.at.Add(1)
	all[0].came = 0 // nothing of it came, for all of it was here before
	if err := all[0].brought(0, true); err != nil {
		t.Fatal(err)
	}
	late, ok := s.sit("T-late")
	if !ok || len(s.held) != uploads || len(s.cut) != 1 || s.cut[0] != "T-1" {
		t.Fatalf("a ninth is let in: %v; %d places, cut off: %v", ok, len(s.held), s.cut)
	}
	if err := all[1].brought(1, false); err != errGaveWay {
		t.Errorf("who gave way goes on: %v", err)
	}
	if err := all[1].extend(func(time.Time) error { return nil }, s.at); err != errGaveWay {
		t.Errorf("who gave way is given time: %v", err)
	}
	all[1].release() // as its handler does; nobody else's goes with it
	if len(s.held) != uploads {
		t.Errorf("%d places are held", len(s.held))
	}
	for _, p := range all[2:] {
		p.came = l.Yield
	}
	late.since = s.at
	if _, ok := s.sit("T-later"); ok {
		t.Errorf("an upload that moves gave way: %v", s.cut)
	}
}
