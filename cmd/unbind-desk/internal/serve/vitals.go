package serve

import (
	"net/http"
	"runtime"
)

// Vitals is how busy this process is: of several desks on one store each has its own.
type Vitals struct {
	Goroutines int   `json:"goroutines"`
	Waiting    int64 `json:"waiting"` // long polls
}

func (s *Server) vitals(w http.ResponseWriter, _ *http.Request) error {
	reply(w, http.StatusOK, Vitals{Goroutines: runtime.NumGoroutine(), Waiting: s.waiting.Load()})
	return nil
}
