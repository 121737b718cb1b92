package serve

import (
	"errors"
	"sync"
	"time"

	"unbindd/agent/envelope"
)

// The most sealed files that are received and opened at once: in all, and of one
// terminal. They bound this process's memory and nothing else, so a second desk
// has its own.
const (
	uploads    = 8
	uploadsOne = 2
)

// slots are the places for uploads. One terminal never has all of them, and has a
// second one only while half of them are free. None is kept for ever: what moves too
// slowly gives its place to a terminal that has none.
type slots struct {
	mu   sync.Mutex
	held []*place
	now  func() time.Time // time.Now where nil
}

// place is one upload's. cut ends the reading of its body, from outside.
type place struct {
	of       *slots
	terminal envelope.ID
	since    time.Time
	cut      func()

	// All of these are the slots' to lock.
	came  int64
	whole bool // the body is here, and only the desk's own work is left
	gone  bool // it was given to somebody else
}

// errGaveWay ends an upload whose place another terminal was given.
var errGaveWay = errors.New("the upload moved too slowly, and others waited for its place")

// take gives a place to a terminal, or says that there is none for it now.
func (s *slots) take(terminal envelope.ID, l Limits, cut func()) (*place, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	mine := 0
	for _, p := range s.held {
		if p.terminal == terminal {
			mine++
		}
	}
	switch {
	case mine >= uploadsOne, mine > 0 && len(s.held) >= uploads/2:
		return nil, false
	case len(s.held) >= uploads && !s.makeWay(l):
		return nil, false
	}
	p := &place{of: s, terminal: terminal, since: s.clock(), cut: cut}
	s.held = append(s.held, p)
	return p, true
}

func (s *slots) clock() time.Time {
	if s.now != nil {
		return s.now()
	}
	return time.Now()
}

// makeWay takes its place from the slowest upload that has had its time and brought
// less in it than it must.
func (s *slots) makeWay(l Limits) bool {
	var slowest *place
	least := 0.0
	for _, p := range s.held {
		held := s.clock().Sub(p.since)
		if p.whole || held < l.Stall {
			continue
		}
		rate := float64(p.came) / float64(held)
		if rate < float64(l.Yield)/float64(l.Stall) && (slowest == nil || rate < least) {
			slowest, least = p, rate
		}
	}
	if slowest == nil {
		return false
	}
	slowest.gone = true
	s.drop(slowest)
	slowest.cut()
	return true
}

func (s *slots) drop(gone *place) {
	for i, p := range s.held {
		if p == gone {
			s.held = append(s.held[:i], s.held[i+1:]...)
			return
		}
	}
}

// release gives the place back.
func (p *place) release() {
	p.of.mu.Lock()
	defer p.of.mu.Unlock()
	p.of.drop(p)
}

// brought counts bytes, and says whether the upload still has its place. With whole
// there are no more to come.
func (p *place) brought(n int, whole bool) error {
	p.of.mu.Lock()
	defer p.of.mu.Unlock()
	p.came += int64(n)
	p.whole = p.whole || whole
	if p.gone && !p.whole {
		return errGaveWay
	}
	return nil
}

// extend moves the deadline of a body on, unless its place is gone: the deadline that
// cut it off stays then.
func (p *place) extend(set func(time.Time) error, until time.Time) error {
	p.of.mu.Lock()
	defer p.of.mu.Unlock()
	if p.gone {
		return errGaveWay
	}
	return set(until)
}
