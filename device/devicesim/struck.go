package devicesim

import (
	"maps"
	"sync"
)

// tally counts how often each fault of the reader and of its line struck since the reader was switched on: a fault that
// is in force has not yet done anything. A nil tally counts nothing. It has a lock of its own, since the line counts
// while the reader is at work.
type tally struct {
	mu     sync.Mutex
	times  map[string]uint64
	before map[string]uint64 // what times was when the first erase was ordered; nil: none was
}

func (t *tally) add(name string) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.times == nil {
		t.times = map[string]uint64{}
	}
	t.times[name]++
}

func (t *tally) told() map[string]uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.times)
}

// erasing is called when an erase is ordered, before anything can go wrong with it.
func (t *tally) erasing() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.before == nil {
		t.before = map[string]uint64{}
		maps.Copy(t.before, t.times)
	}
}

func (t *tally) toldBefore() map[string]uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.before)
}

// wrong says whether a fault does its wrong here, and counts it; s.mu is held.
func (s *Sim) wrong(name string) bool {
	if !s.faults.has(name) {
		return false
	}
	s.struck.add(name)
	return true
}

// refusal is the status that a fault puts in the place of the right one here; s.mu is held.
func (s *Sim) refusal(name string) (status, bool) {
	code, set := s.faults.refusal(name)
	if set {
		s.struck.add(name)
	}
	return code, set
}

// strikes says whether a fault that may have a number strikes now.
func (s *Sim) strikes(name string) bool { return s.spent(name, faults.spend) }

// due says whether the time of a fault has come that waits for the n-th command.
func (s *Sim) due(name string) bool { return s.spent(name, faults.due) }

func (s *Sim) spent(name string, ask func(faults, string) bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	struck := ask(s.faults, name)
	if struck {
		s.struck.add(name)
	}
	return struck
}

// tellSerial is serial where a host hears it; s.mu is held.
func (s *Sim) tellSerial() string {
	s.wrong(faultForeign)
	return s.serial()
}
