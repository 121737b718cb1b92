package serve

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"unbindd/agent/envelope"
)

// long seats one long file of each of so many terminals that no other has a place.
func (s *seated) long(t *testing.T) (all []*place) {
	t.Helper()
	for i := range uploadsLong {
		p, ok := s.asks(t, fmt.Sprint("T-long-", i))
		if !ok {
			t.Fatalf("there is no place for long file %d", i)
		}
		all = append(all, p)
	}
	return all
}

// asks wants a place for a long file at once.
func (s *seated) asks(t *testing.T, terminal string) (*place, bool) {
	l := DefaultLimits()
	l.Turn = 0
	return s.turn(t.Context(), wish{terminal: envelope.ID(terminal), long: true}, l, func() { s.cut = append(s.cut, terminal) }, nil)
}

// Long files that trickle keep no other long one out, though places for pieces are free:
// the slowest of them gives way, and no piece does that is slower.
func TestALongFileThatTricklesGivesWayToAnother(t *testing.T) {
	l := DefaultLimits()
	s := newSeated()
	all := s.long(t)
	if _, ok := s.sit("T-piece"); !ok {
		t.Fatal("there is no place for a piece")
	}
	if _, ok := s.asks(t, "T-late"); ok {
		t.Fatal("a long file gave way before it had had its time")
	}
	for i, p := range all {
		if err := p.brought(int(l.Yield)-i, false); err != nil {
			t.Fatal(err)
		}
	}
	s.at = s.at.Add(l.Stall)
	if _, ok := s.asks(t, "T-late"); !ok || len(s.held) != uploadsLong+1 || len(s.cut) != 1 || s.cut[0] != "T-long-3" {
		t.Fatalf("another long file is let in: %v; %d places, cut off: %v", ok, len(s.held), s.cut)
	}
}

// A long file that finds no place waits for one, and has the first that a long one gives
// back or must give away. Nobody else loses his for it, or waits behind it.
func TestALongFileWaitsForItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := DefaultLimits()
		l.Turn = l.Stall / 2
		s := newSeated()
		all := s.long(t)
		in := make(chan bool, 2)
		for _, name := range []envelope.ID{"T-late", "T-later"} {
			go func() {
				_, ok := s.turn(t.Context(), wish{terminal: name, long: true}, l, func() {}, nil)
				in <- ok
			}()
			synctest.Wait()
		}
		if _, ok := s.sit("T-piece"); !ok || len(s.queue) != 2 {
			t.Fatalf("a piece finds no place beside %d that wait for another", len(s.queue))
		}
		all[0].release()
		if synctest.Wait(); len(in) != 1 || len(s.queue) != 1 {
			t.Fatalf("%d long files wait for a place that was given back", len(s.queue))
		}
		for _, p := range s.held {
			came := map[bool]int{true: int(l.Yield)}[p.long]
			if p == all[1] {
				came = 1 // T-piece is slower
			}
			if err := p.brought(came, false); err != nil {
				t.Fatal(err)
			}
		}
		s.mu.Lock()
		s.at = s.at.Add(l.Stall)
		s.mu.Unlock()
		for range 2 {
			if ok := <-in; !ok {
				t.Fatal("a long file has to come again")
			}
		}
		if all[1].gone != errGaveWay || len(s.cut) != 1 {
			t.Errorf("cut off: %v", s.cut)
		}
	})
}

// A terminal whose silent upload cannot help it keeps it, and the place is not lost to
// those who wait.
func TestNobodyLosesHisPlaceForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSeated()
		all := s.long(t)
		for i := range uploads - uploadsLong {
			if _, ok := s.sit(fmt.Sprint("T-", i)); !ok {
				t.Fatalf("there is no place %d", i)
			}
		}
		in := make(chan bool, 1)
		go func() {
			_, ok := s.turn(t.Context(), wish{terminal: "T-waits"}, DefaultLimits(), func() {}, nil)
			in <- ok
		}()
		synctest.Wait()
		s.at = s.at.Add(comeAgain)
		if _, ok := s.asks(t, "T-0"); ok || len(s.cut) != 0 || len(s.held) != uploads {
			t.Errorf("a long file is let in: %v; %d places, cut off: %v", ok, len(s.held), s.cut)
		}
		if _, ok := s.asks(t, "T-long-0"); !ok || all[0].gone != errReplaced {
			t.Error("a long file that is silent keeps its own terminal out")
		}
		all[1].release()
		if ok := <-in; !ok {
			t.Error("a place that was given back passed by who waited")
		}
	})
}

// Who is gone waits no longer: his place in the queue is another's.
func TestWhoIsGoneLeavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSeated()
		s.full(t)
		ctx, end := context.WithCancel(t.Context())
		in := make(chan bool, 1)
		go func() {
			_, ok := s.turn(ctx, wish{terminal: "T-waits"}, DefaultLimits(), func() {}, nil)
			in <- ok
		}()
		synctest.Wait()
		end()
		if synctest.Wait(); len(s.queue) != 0 || len(in) != 1 {
			t.Errorf("%d wait", len(s.queue))
		}
	})
}
