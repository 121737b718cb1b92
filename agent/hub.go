package agent

import (
	"sync"
	"time"

	"unbindd/agent/local"
)

// remembered is how many events a late watcher can still read.
const remembered = 1024

// hub hands events to whoever watches. Ids rise also over a restart, because
// they begin at the time of the start.
type hub struct {
	mu      sync.Mutex
	now     func() time.Time
	last    int64
	ring    []local.Event
	changed chan struct{}
}

func newHub(now func() time.Time) *hub {
	return &hub{now: now, last: now().UnixMilli(), changed: make(chan struct{})}
}

// tell adds an event and wakes the watchers.
func (h *hub) tell(e local.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last++
	e.ID, e.Time = h.last, h.now().UnixMilli()
	h.ring = append(h.ring, e)
	if len(h.ring) > remembered {
		h.ring = h.ring[len(h.ring)-remembered:]
	}
	close(h.changed)
	h.changed = make(chan struct{})
}

// after returns the events with a higher id, and a channel that closes when
// there are more.
func (h *hub) after(id int64) ([]local.Event, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, e := range h.ring {
		if e.ID > id {
			return append([]local.Event(nil), h.ring[i:]...), h.changed
		}
	}
	return nil, h.changed
}

// bell wakes everybody who waits for something to change: a receipt that was
// handed in, an amendment, a reader that came back.
type bell struct {
	mu sync.Mutex
	ch chan struct{}
}

func newBell() *bell { return &bell{ch: make(chan struct{})} }

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.ch)
	b.ch = make(chan struct{})
}

// wait is taken before looking, so that nothing rung in between is missed.
func (b *bell) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ch
}
