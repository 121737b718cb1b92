package broker

import (
	"bytes"
	"container/list"
	"crypto/sha256"
	"sync"
	"time"
)

const (
	openTopic = 8   // bodies that are under way on one topic
	openAll   = 512 // on all of them
	entryCost = 256 // bytes that an open body takes before it has a part, and its name
	partCost  = 24  // bytes that each part of it takes before it is there
)

// assembly joins the parts of messages that are under way. Anybody may send them,
// so whatever they make us keep is counted. What does not become whole is
// forgotten: whoever sent it sends it again.
type assembly struct {
	mu    sync.Mutex
	open  map[string]*joined
	queue *list.List // of *joined, the oldest first
	topic map[string]int
	bytes int           // of all that is open
	most  int           // of them
	life  time.Duration // of what does not become whole
	now   func() time.Time
}

type joined struct {
	key, topic string
	parts      [][]byte
	have       int
	bytes      int // of the parts
	begun      time.Time
	place      *list.Element
}

func newAssembly(most int) *assembly {
	return &assembly{
		open: map[string]*joined{}, queue: list.New(), topic: map[string]int{}, most: most, life: 2 * time.Minute, now: time.Now,
	}
}

// cost is what an open body takes.
func (j *joined) cost() int {
	return entryCost + len(j.key) + len(j.topic) + partCost*len(j.parts) + j.bytes
}

// add takes one part and returns the whole body with the last one. A part without
// bytes is nobody's who has more than one.
func (a *assembly) add(topic string, h head, piece []byte) ([]byte, bool) {
	if h.Parts == 1 {
		return piece, true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forget()
	j := a.open[nameOf(topic, h)]
	if len(piece) == 0 {
		return nil, false
	}
	if j == nil {
		if j = a.begin(topic, h, len(piece)); j == nil {
			return nil, false // too many
		}
	}
	if len(j.parts) != h.Parts || j.parts[h.Part-1] != nil || j.bytes+len(piece) > maxBody || a.bytes+len(piece) > a.most {
		return nil, false // another one's, one that is there, or too much
	}
	j.parts[h.Part-1] = append([]byte{}, piece...)
	j.have++
	j.bytes += len(piece)
	a.bytes += len(piece)
	if j.have < h.Parts {
		return nil, false
	}
	a.out(j)
	return bytes.Join(j.parts, nil), true
}

func (a *assembly) begin(topic string, h head, first int) *joined {
	j := &joined{key: nameOf(topic, h), topic: topic, begun: a.now()}
	cost := j.cost() + partCost*h.Parts
	if len(a.open) >= openAll || a.topic[topic] >= openTopic || a.bytes+cost+first > a.most {
		return nil
	}
	j.parts = make([][]byte, h.Parts)
	j.place = a.queue.PushBack(j)
	a.open[j.key] = j
	a.topic[topic]++
	a.bytes += cost
	return j
}

// nameOf keeps the parts of two answers to one question apart: each has a
// signature of its own.
func nameOf(topic string, h head) string {
	name := topic + " " + h.ID
	if len(h.Sig) > 0 {
		sum := sha256.Sum256(h.Sig)
		name += string(sum[:])
	}
	return name
}

// dropAll forgets what is open on a topic.
func (a *assembly) dropAll(topic string) {
	for _, j := range a.open {
		if j.topic == topic {
			a.out(j)
		}
	}
}

func (a *assembly) out(j *joined) {
	a.bytes -= j.cost()
	a.queue.Remove(j.place)
	delete(a.open, j.key)
	if a.topic[j.topic]--; a.topic[j.topic] == 0 {
		delete(a.topic, j.topic)
	}
}

// forget looks at the oldest ones only.
func (a *assembly) forget() {
	for front := a.queue.Front(); front != nil; front = a.queue.Front() {
		j, ok := front.Value.(*joined)
		if !ok || a.now().Sub(j.begun) <= a.life {
			return
		}
		a.out(j)
	}
}
