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
	for _, p := range append(all[2:], late) {
		if err := p.brought(int(l.Yield), false); err != nil {
			t.Fatal(err)
		}
	}
	s.at = s.at.Add(l.Stall)
	if _, ok := s.sit("T-later"); ok {
		t.Errorf("an upload that moves gave way: %v", s.cut)
	}
}

// What an upload brought once counts for two minutes and no longer: a burst buys no hours
// of trickling, and one that was slow once and moves again is left alone.
func TestABurstIsForgotten(t *testing.T) {
	l := DefaultLimits()
	s := newSeated()
	all := s.full(t)
	bring := func(first, others int64) {
		t.Helper()
		for i, p := range all {
			n := others
			if i == 0 {
				n = first
			}
			if err := p.brought(int(n), false); err != nil {
				t.Fatal(err)
			}
		}
		s.at = s.at.Add(l.Stall)
	}
	bring(100*l.Yield, l.Yield-1)
	bring(100*l.Yield, l.Yield) // the others were slow, and move now
	if _, ok := s.sit("T-late"); ok {
		t.Fatalf("who was slow once and moves gave way: %v", s.cut)
	}
	bring(l.Least, l.Yield)
	if _, ok := s.sit("T-late"); !ok || len(s.cut) != 1 || s.cut[0] != "T-0" {
		t.Fatalf("after a burst, a trickle kept its place; cut off: %v", s.cut)
	}
	s.at = s.at.Add(l.Stall) // of the windows that nothing came in, the last counts
	if err := all[1].brought(int(l.Yield), false); err != nil {
		t.Fatal(err)
	}
	if all[1].last != 0 || all[1].came != l.Yield {
		t.Errorf("after silence: %d in the last window, %d in this one", all[1].last, all[1].came)
	}
}

// A terminal whose connection died begins another, and its own dead one gives way: at once
// where it was silent for as long as it is told to wait. One that moves, or is whole, stays.
func TestATerminalsOwnSilentUploadGivesWay(t *testing.T) {
	for name, crowd := range map[string]int{"half are taken": uploads/2 - 1, "all are taken": uploads - 1} {
		t.Run(name, func(t *testing.T) {
			s := newSeated()
			dead, _ := s.sit("T-1")
			for i := range crowd {
				if _, ok := s.sit(fmt.Sprint("T-other-", i)); !ok {
					t.Fatalf("there is no place %d", i)
				}
			}
			s.at = s.at.Add(comeAgain - 1)
			if err := dead.brought(1, false); err != nil {
				t.Fatal(err)
			}
			s.at = s.at.Add(comeAgain - 1)
			if _, ok := s.sit("T-1"); ok {
				t.Fatal("an upload that moves gave way to its own terminal")
			}
			s.at = s.at.Add(1)
			again, ok := s.sit("T-1")
			if !ok || len(s.held) != crowd+1 || len(s.cut) != 1 || s.cut[0] != "T-1" {
				t.Fatalf("a terminal is let in beside its dead upload: %v; %d places, cut off: %v", ok, len(s.held), s.cut)
			}
			if err := dead.brought(1, false); err != errReplaced {
				t.Errorf("who was replaced goes on: %v", err)
			}
			dead.release()
			if err := again.brought(1, true); err != nil || s.leaving != 0 {
				t.Errorf("after it: %v, %d are leaving", err, s.leaving)
			}
			s.at = s.at.Add(comeAgain)
			if _, ok := s.sit("T-1"); ok {
				t.Error("an upload that is whole gave way")
			}
		})
	}
}

// With two uploads a terminal has a third when one of them is silent: the one that was
// silent for longer goes. What gave way and is not through yet is bounded, too.
func TestWhoGaveWayIsCountedUntilItIsThrough(t *testing.T) {
	s := newSeated()
	first, _ := s.sit("T-1")
	s.at = s.at.Add(1)
	var gone []*place
	for range uploads {
		p, ok := s.sit("T-1")
		if !ok {
			t.Fatalf("no place after %d gave way", len(gone))
		}
		gone = append(gone, p)
		s.at = s.at.Add(comeAgain)
	}
	if first.gone != errReplaced || gone[len(gone)-1].gone != nil {
		t.Error("the wrong one gave way")
	}
	if _, ok := s.sit("T-1"); !ok {
		t.Fatal("no place")
	}
	s.at = s.at.Add(comeAgain)
	if _, ok := s.sit("T-1"); ok {
		t.Fatalf("%d uploads gave way and none is through, and another does", s.leaving)
	}
	first.release()
	if _, ok := s.sit("T-1"); !ok {
		t.Fatal("one is through, and none may give way")
	}
}
