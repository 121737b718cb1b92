package serve

import (
	"context"
	"time"

	"unbindd/agent/envelope"
)

// Who finds no place for his upload stands in the queue for as long as he would else
// be told to wait, and gets the first one that is given back. Whoever ends a piece
// stands behind him with the next one, however fast he is. Nothing of a body is read
// before its place is there, where it does not come whole. Who had a place just now has half of the queue: the other
// half is left to those who come from being told to come again.
const (
	mostQueued  = 64
	mostAgain   = mostQueued / 2
	mostHad     = 4 << 10        // terminals of which it is remembered that they had a place just now
	mostQueuing = 1              // of one terminal
	mostLong    = mostQueued / 4 // of long files: they may wait where the others find a place
	mostHere    = 8              // that came whole, over a broker, whose own places they take while they wait
)

// queued is one who waits for a place.
type queued struct {
	place *place
	turn  chan struct{} // closed when he has it
}

// turn gives a terminal a place, at once or when it is its turn, or says that there is
// none for it now. Who is gone, ctx over, or the desk at its end, over closed, waits no longer.
func (s *slots) turn(ctx context.Context, w wish, l Limits, cut func(), over <-chan struct{}) (*place, bool) {
	q, p, ok := s.enqueue(w, l, cut)
	if q == nil {
		return p, ok
	}
	patience := time.NewTimer(l.Turn)
	defer patience.Stop()
	select {
	case <-q.turn:
		return q.place, true
	case <-patience.C:
	case <-over:
	case <-ctx.Done():
	}
	return s.leave(q, l)
}

// enqueue gives a place that is there, or one in the queue; or neither.
func (s *slots) enqueue(w wish, l Limits, cut func()) (*queued, *place, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance(l)
	if p, ok := s.seat(w, l, cut); ok || l.Turn == 0 || !s.queues(w) {
		return nil, p, ok
	}
	q := &queued{s.placed(w, l, cut), make(chan struct{})}
	s.queue = append(s.queue, q)
	return q, nil, false
}

// queues says whether waiting helps a terminal, and whether there is room for it.
func (s *slots) queues(w wish) bool {
	most, mine, here, long := mostQueued, 0, 0, 0
	if s.clock().Sub(s.had[w.terminal]) < comeAgain {
		most = mostAgain
	}
	for _, q := range s.queue {
		if q.place.terminal == w.terminal {
			mine++
		}
		if q.place.here {
			here++
		}
		if q.place.long {
			long++
		}
	}
	return len(s.queue) < most && mine < mostQueuing && (!w.here || here < mostHere) && (!w.long || long < mostLong) && !s.ownFull(w.terminal)
}

// leave takes somebody out of the queue, unless his turn came meanwhile.
func (s *slots) leave(q *queued, l Limits) (*place, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance(l)
	for i, other := range s.queue {
		if other == q {
			s.queue = append(s.queue[:i], s.queue[i+1:]...)
			return nil, false
		}
	}
	return q.place, true
}

// advance lets the slowest upload make way for the first of those who wait whom that helps.
func (s *slots) advance(l Limits) {
	for _, q := range s.queue {
		tooLong := s.longFull(q.place.long)
		if s.ownFull(q.place.terminal) || !tooLong && len(s.held) < uploads || s.leaving >= uploads {
			continue
		}
		if slow := s.slowest(l, tooLong); slow != nil {
			s.end(slow, errGaveWay)
			s.next()
			return
		}
	}
}

// next gives the places that are free to those who wait. Of those who came for one
// thing and may not have it now, nobody stands before the others.
func (s *slots) next() {
	for i := 0; i < len(s.queue) && len(s.held) < uploads; {
		q := s.queue[i]
		if s.ownFull(q.place.terminal) || s.longFull(q.place.long) {
			i++
			continue
		}
		s.queue = append(s.queue[:i], s.queue[i+1:]...)
		now := s.clock()
		q.place.since, q.place.moved = now, now
		s.held = append(s.held, q.place)
		close(q.turn)
	}
}

// remember notes that a terminal had a place just now.
func (s *slots) remember(terminal envelope.ID) {
	if s.had == nil {
		s.had = map[envelope.ID]time.Time{}
	}
	now := s.clock()
	if len(s.had) >= mostHad {
		for t, at := range s.had {
			if now.Sub(at) >= comeAgain {
				delete(s.had, t)
			}
		}
	}
	if _, known := s.had[terminal]; known || len(s.had) < mostHad {
		s.had[terminal] = now
	}
}
