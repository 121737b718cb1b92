package serve

import (
	"errors"
	"sync"
	"time"

	"unbindd/agent/envelope"
)

// The most sealed files that are received and opened at once: in all, of one
// terminal, and of those that come whole and are larger than a piece, which keep a
// place for as long as the file is long. They bound this process's memory and nothing
// else, so a second desk has its own.
const (
	uploads     = 8
	uploadsOne  = 2
	uploadsLong = uploads / 2
)

// comeAgain is when somebody who found no place may ask anew, and how long an upload
// must have been silent before its own terminal is taken to have left it.
const comeAgain = 10 * time.Second

// slots are the places for uploads. One terminal never has all of them, and gets a
// second one only while less than half of them are taken. None is kept for ever: what
// moves too slowly gives its place to a terminal that has none, and what is silent to
// its own.
type slots struct {
	mu      sync.Mutex
	held    []*place
	leaving int // gave their place away, and are not at their end yet
	queue   []*queued
	had     map[envelope.ID]time.Time // a place, until then
	now     func() time.Time          // time.Now where nil
}

// wish is what a place is asked for.
type wish struct {
	terminal envelope.ID
	long     bool // a whole file that is larger than a piece
	here     bool // all of it is here already
}

// place is one upload's. cut ends the reading of its body, from outside.
type place struct {
	of *slots
	wish
	window time.Duration
	cut    func()

	// All of these are the slots' to lock.
	since time.Time // this window began
	came  int64     // in this window
	last  int64     // in the last full one; less than nothing where there was none
	moved time.Time // something came
	whole bool      // the body is here, and only the desk's own work is left
	gone  error     // why it was given to somebody else
}

// Why an upload ends before its body does.
var (
	errGaveWay  = errors.New("the upload moved too slowly, and others waited for its place")
	errReplaced = errors.New("the upload was silent, and its own terminal began another")
)

// take gives a place to a terminal at once, or says that there is none for it now.
func (s *slots) take(terminal envelope.ID, l Limits, cut func()) (*place, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seat(wish{terminal: terminal}, l, cut)
}

func (s *slots) seat(w wish, l Limits, cut func()) (*place, bool) {
	if !s.room(w, l) {
		return nil, false
	}
	p := s.placed(w, l, cut)
	s.held = append(s.held, p)
	return p, true
}

// room makes a place, where there is none, and says whether it is there. Nobody loses his
// before it is certain that it helps; and where somebody waits it is not for who comes now.
func (s *slots) room(w wish, l Limits) bool {
	var dead, slow *place
	if s.ownFull(w.terminal) {
		if dead = s.silent(w.terminal); dead == nil {
			return false
		}
	}
	tooLong := s.longFull(w.long) && (dead == nil || !dead.long)
	if tooLong || dead == nil && len(s.held) >= uploads {
		if slow = s.slowest(l, tooLong); slow == nil || len(s.queue) > 0 {
			return false
		}
	}
	leave := 0
	for _, p := range []*place{dead, slow} {
		if p != nil {
			leave++
		}
	}
	if s.leaving+leave > uploads {
		return false
	}
	s.end(dead, errReplaced)
	s.end(slow, errGaveWay)
	return true
}

func (s *slots) placed(w wish, l Limits, cut func()) *place {
	now := s.clock()
	return &place{of: s, wish: w, window: l.Stall, cut: cut, since: now, moved: now, last: -1}
}

// ownFull says that a terminal has all the places that it may have now.
func (s *slots) ownFull(terminal envelope.ID) bool {
	mine := 0
	for _, p := range s.held {
		if p.terminal == terminal {
			mine++
		}
	}
	return mine >= uploadsOne || mine > 0 && len(s.held) >= uploads/2
}

// longFull says that there are as many long files as there may be.
func (s *slots) longFull(long bool) bool {
	n := 0
	for _, p := range s.held {
		if p.long {
			n++
		}
	}
	return long && n >= uploadsLong
}

func (s *slots) clock() time.Time {
	if s.now != nil {
		return s.now()
	}
	return time.Now()
}

// slowest is the upload that must give its place away: of those that have had their time,
// and brought less in the last of it than they must, the one that brought the least. With
// long it is a long one.
func (s *slots) slowest(l Limits, long bool) (slowest *place) {
	for _, p := range s.held {
		p.roll()
		if !p.whole && (p.long || !long) && p.last >= 0 && p.last < l.Yield && (slowest == nil || p.last < slowest.last) {
			slowest = p
		}
	}
	return slowest
}

// silent is the one of a terminal's uploads that has been silent the longest, and so gives
// its place to its own terminal. One that still moves is left: two senders of one terminal
// would otherwise cut each other off without end.
func (s *slots) silent(terminal envelope.ID) (dead *place) {
	for _, p := range s.held {
		silent := s.clock().Sub(p.moved) >= comeAgain
		if p.terminal == terminal && !p.whole && silent && (dead == nil || p.moved.Before(dead.moved)) {
			dead = p
		}
	}
	return dead
}

// end takes a place away, if there is one. What it held is in memory until its handler is
// through, so there are never more of these than there are places: room sees to it.
func (s *slots) end(p *place, why error) {
	if p == nil {
		return
	}
	p.gone = why
	s.leaving++
	s.drop(p)
	p.cut()
}

func (s *slots) drop(gone *place) {
	for i, p := range s.held {
		if p == gone {
			s.held = append(s.held[:i], s.held[i+1:]...)
			return
		}
	}
}

// roll ends the windows that are over. Of several the last one brought nothing, for
// whatever comes ends them first.
func (p *place) roll() {
	over := p.of.clock().Sub(p.since) / p.window
	if over < 1 {
		return
	}
	if p.last = p.came; over > 1 {
		p.last = 0
	}
	p.since, p.came = p.since.Add(over*p.window), 0
}

// release gives the place back, to the one who has waited for it the longest.
func (p *place) release() {
	p.of.mu.Lock()
	defer p.of.mu.Unlock()
	p.of.remember(p.terminal)
	if p.gone != nil {
		p.of.leaving--
	} else {
		p.of.drop(p)
	}
	p.of.next()
}

// accompanied says that its terminal has another upload. A connection that breaks off
// may be noticed late, when its terminal has asked how far it is and goes on: what is
// kept then would turn the other one's piece away.
func (p *place) accompanied() bool {
	p.of.mu.Lock()
	defer p.of.mu.Unlock()
	for _, other := range p.of.held {
		if other != p && other.terminal == p.terminal {
			return true
		}
	}
	return false
}

// brought counts bytes, and says whether the upload still has its place. With whole
// there are no more to come.
func (p *place) brought(n int, whole bool) error {
	p.of.mu.Lock()
	defer p.of.mu.Unlock()
	p.roll()
	p.came += int64(n)
	if n > 0 {
		p.moved = p.of.clock()
	}
	p.whole = p.whole || whole
	if p.whole {
		return nil
	}
	return p.gone
}

// extend moves the deadline of a body on, unless its place is gone: the deadline that
// cut it off stays then.
func (p *place) extend(set func(time.Time) error, until time.Time) error {
	p.of.mu.Lock()
	defer p.of.mu.Unlock()
	if p.gone != nil {
		return p.gone
	}
	return set(until)
}
