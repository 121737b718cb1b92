package desk

import (
	"sync"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/grounds"
)

// memoHalf is how many grounds one half of the memory holds.
const memoHalf = 4096

// memo remembers grounds that were opened, so that the five signatures under a
// case are not verified again for each of its messages. What it gives out follows
// from the bytes in its key alone: losing it, or not having it, costs time.
type memo struct {
	mu       sync.Mutex
	new, old map[basis]*grounds.Grounds
}

// basis is everything that grounds follow from: two signed envelopes, byte for
// byte, and how many versions of the trust there are.
type basis struct {
	order, binding envelope.Digest
	under          int
}

func (m *memo) find(b basis) *grounds.Grounds {
	m.mu.Lock()
	defer m.mu.Unlock()
	if g := m.new[b]; g != nil {
		return g
	}
	g := m.old[b]
	if g != nil {
		m.put(b, g)
	}
	return g
}

func (m *memo) keep(b basis, g *grounds.Grounds) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(b, g)
}

// put forgets the older half when the newer one is full.
func (m *memo) put(b basis, g *grounds.Grounds) {
	if m.new == nil || len(m.new) >= memoHalf {
		m.old, m.new = m.new, map[basis]*grounds.Grounds{}
	}
	m.new[b] = g
}
