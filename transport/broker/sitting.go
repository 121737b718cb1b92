package broker

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	atOnce     = 32 // questions that are answered at the same time
	openAtOnce = 4  // of them, those of nobody known: a time, a tombstone
	topicShare = 4  // of them, those on one topic
	openMost   = 32 << 20
	tellEvery  = time.Second // between two lines about dropped questions
)

// sitting is the desk at one connection. All that it counts is its own, so that a
// handler that ends late gives back what it took and nothing of the next one's.
type sitting struct {
	desk    *Desk
	conn    *Conn
	parts   *assembly
	running sync.WaitGroup

	mu    sync.Mutex
	over  bool
	busy  map[string]bool // questions that are being answered
	topic map[string]int  // how many of them are on a topic
	open  int             // how many are on topics of nobody known
}

func newSitting(d *Desk, conn *Conn) *sitting {
	return &sitting{desk: d, conn: conn, parts: newAssembly(openMost), busy: map[string]bool{}, topic: map[string]int{}}
}

// take takes one message; after the end it takes none.
func (s *sitting) take(ctx context.Context, topic string, payload []byte) {
	s.mu.Lock()
	over := s.over
	if !over {
		s.running.Add(1)
	}
	s.mu.Unlock()
	if over {
		return
	}
	defer s.running.Done()
	if err := s.serve(ctx, topic, payload); err != nil {
		s.desk.tell(topic, err)
	}
}

// end waits for the questions that are being answered.
func (s *sitting) end() {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	s.running.Wait()
}

// begin finds a place for a question. Who shows nothing has few of them and nobody
// has all of one topic, so that no one sender takes the others' place.
func (s *sitting) begin(topic, id string, open bool) (done func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := topic + " " + id
	if s.busy[key] || len(s.busy) >= atOnce || s.topic[topic] >= topicShare || (open && s.open >= openAtOnce) {
		return nil, false
	}
	s.count(key, topic, open, 1)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.count(key, topic, open, -1)
	}, true
}

func (s *sitting) count(key, topic string, open bool, by int) {
	if open {
		s.open += by
	}
	if s.topic[topic] += by; s.topic[topic] == 0 {
		delete(s.topic, topic)
	}
	if by > 0 {
		s.busy[key] = true
	} else {
		delete(s.busy, key)
	}
}

// tell tells of a dropped question, now and then: whoever makes the desk drop
// questions must not fill its log.
func (d *Desk) tell(topic string, err error) {
	if d.Told == nil {
		return
	}
	d.mu.Lock()
	now := d.Now()
	if since := now.Sub(d.told); since >= 0 && since < tellEvery && !d.told.IsZero() {
		d.untold++
		d.mu.Unlock()
		return
	}
	untold := d.untold
	d.told, d.untold = now, 0
	d.mu.Unlock()
	if untold > 0 {
		err = fmt.Errorf("%w (and %d more before it)", err, untold)
	}
	d.Told(topic, err)
}
