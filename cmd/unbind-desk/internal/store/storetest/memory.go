package storetest

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"unbindd/cmd/unbind-desk/internal/store"
)

// Memory is a base in memory. Its transactions are optimistic: they run beside
// each other, and one that wrote is not kept when another was quicker, so that
// whoever forgets to run a change again is found out. Values that it hands out are
// overwritten when their transaction ends, so that whoever keeps one is found out, too.
// Nothing of it is durable.
type Memory struct {
	mu      sync.Mutex
	tables  map[store.Table]map[string][]byte // never changed in place
	commits int
	unknown bool
	fails   int // 1: the next commit fails unwritten; 2: it fails written
}

// NewMemory makes an empty base.
func NewMemory() *Memory { return &Memory{tables: map[store.Table]map[string][]byte{}} }

// FailNext makes the next commit fail with an unknown outcome; written says what
// the outcome is.
func (m *Memory) FailNext(written bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fails = 1
	if written {
		m.fails = 2
	}
}

// Reopen is what is there after a failed commit, as a new process finds it.
func (m *Memory) Reopen() *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &Memory{tables: maps.Clone(m.tables)}
}

func (m *Memory) begin() (*memoryRows, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.unknown {
		return nil, store.ErrUnknown
	}
	return &memoryRows{tables: maps.Clone(m.tables), at: m.commits, written: map[store.Table]map[string][]byte{}}, nil
}

// Change runs f on a state of its own and keeps what it wrote if nobody was quicker.
func (m *Memory) Change(f func(store.Rows) error) error {
	r, err := m.begin()
	if err != nil {
		return err
	}
	defer r.fade()
	if err := f(r); err != nil {
		return err
	}
	if len(r.written) == 0 {
		return nil // it saw one state, and left it
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.unknown:
		return store.ErrUnknown
	case m.commits != r.at:
		return store.ErrAgain
	}
	if m.fails != 1 {
		for t, table := range r.written {
			m.tables[t] = table
		}
		m.commits++
	}
	if m.fails != 0 {
		m.unknown = true
		return store.ErrUnknown
	}
	return nil
}

// Look runs f on a state of its own.
func (m *Memory) Look(f func(store.Rows) error) error {
	r, err := m.begin()
	if err != nil {
		return err
	}
	defer r.fade()
	return f(r)
}

// Close does nothing: there is nothing to lose.
func (m *Memory) Close() error { return nil }

// memoryRows is one transaction: the tables it saw, and copies of those it wrote.
type memoryRows struct {
	tables  map[store.Table]map[string][]byte
	written map[store.Table]map[string][]byte
	lent    [][]byte
	at      int
}

// lend hands out a copy that lasts as long as the transaction.
func (r *memoryRows) lend(value []byte) []byte {
	out := append([]byte{}, value...)
	r.lent = append(r.lent, out)
	return out
}

// fade makes what was lent unreadable, as a page of a file that is written anew is.
func (r *memoryRows) fade() {
	for _, value := range r.lent {
		for i := range value {
			value[i] = 0xdb
		}
	}
}

func (r *memoryRows) table(t store.Table) map[string][]byte {
	if w, ok := r.written[t]; ok {
		return w
	}
	return r.tables[t]
}

func (r *memoryRows) own(t store.Table) map[string][]byte {
	if r.written[t] == nil {
		r.written[t] = maps.Clone(r.tables[t])
		if r.written[t] == nil {
			r.written[t] = map[string][]byte{}
		}
	}
	return r.written[t]
}

// Get reads a row.
func (r *memoryRows) Get(t store.Table, key string) ([]byte, error) {
	value, ok := r.table(t)[key]
	if !ok {
		return nil, store.ErrAbsent
	}
	return r.lend(value), nil
}

// Put writes a row.
func (r *memoryRows) Put(t store.Table, key string, value []byte) error {
	r.own(t)[key] = append([]byte{}, value...)
	return nil
}

// Add writes a new row.
func (r *memoryRows) Add(t store.Table, key string, value []byte) error {
	if _, ok := r.table(t)[key]; ok {
		return store.ErrTaken
	}
	return r.Put(t, key, value)
}

// Remove takes a row away.
func (r *memoryRows) Remove(t store.Table, key string) error {
	delete(r.own(t), key)
	return nil
}

// List reads rows in order.
func (r *memoryRows) List(t store.Table, prefix, after string, limit int) ([]store.Row, error) {
	var out []store.Row
	table := r.table(t)
	for _, key := range slices.Sorted(maps.Keys(table)) {
		if len(out) < limit && strings.HasPrefix(key, prefix) && (after == "" || key > after) {
			out = append(out, store.Row{Key: key, Value: r.lend(table[key])})
		}
	}
	return out, nil
}
