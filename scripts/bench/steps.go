package main

import (
	"context"

	"unbindd/agent/local"
)

// span is when a step began first and was recorded last, in Unix milliseconds.
type span struct {
	name        string
	began, done int64
}

func (s span) seconds() float64 { return float64(s.done-s.began) / 1000 }

// steps follows the daemon's events to the end of an unbinding; asking for the
// status again and again would cost the daemon time of its own.
type steps struct {
	spans []span
	ended chan struct{} // closed when the terminal is unbound, or the daemon gone
	err   error         // valid after that
}

func (t *terminal) follow(ctx context.Context) *steps {
	s := &steps{ended: make(chan struct{})}
	client := t.client()
	go func() {
		defer close(s.ended)
		// Behind the last step the process begins anew, and may do so before its last
		// word is read.
		s.err = client.Events(ctx, 0, s.take)
	}()
	return s
}

// take notes one event and says whether more are to come.
func (s *steps) take(e local.Event) bool {
	switch {
	case e.Kind == "mode" && e.State == local.Unbound:
		return false
	case e.Kind == "step" && e.State == "starting" && s.find(e.Name) == nil:
		s.spans = append(s.spans, span{name: e.Name, began: e.Time, done: e.Time})
	case e.Kind == "step" && e.State == "recorded":
		if known := s.find(e.Name); known != nil {
			known.done = e.Time
		}
	}
	return true
}

func (s *steps) find(name string) *span {
	for i := range s.spans {
		if s.spans[i].name == name {
			return &s.spans[i]
		}
	}
	return nil
}
