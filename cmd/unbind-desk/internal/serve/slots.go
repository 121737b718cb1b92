package serve

import (
	"sync"

	"unbindd/agent/envelope"
)

// The most sealed files that are received and opened at once: in all, and of one
// terminal. They bound this process's memory and nothing else, so a second desk
// has its own.
const (
	uploads    = 8
	uploadsOne = 2
)

// slots are the places for uploads. One terminal never has all of them.
type slots struct {
	mu    sync.Mutex
	taken map[envelope.ID]int
	all   int
}

// take gives a place to a terminal, or says that there is none for it now.
func (s *slots) take(terminal envelope.ID) (release func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= uploads || s.taken[terminal] >= uploadsOne {
		return nil, false
	}
	if s.taken == nil {
		s.taken = map[envelope.ID]int{}
	}
	s.all++
	s.taken[terminal]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.all--
		if s.taken[terminal]--; s.taken[terminal] == 0 {
			delete(s.taken, terminal)
		}
	}, true
}
