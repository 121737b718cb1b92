package agent

import (
	"slices"

	"unbindd/agent/journal"
)

// page is the whole content of the journal after one commit; it never changes.
type page struct {
	number  int
	entries []entry
}

type entry struct {
	bucket, key string
	value       []byte
}

// shelf is the journal's store on the model's disk: journal.Store, like bbolt's
// file. All of the journal above it is the code's.
type shelf struct {
	d *disk
	// told is the newest commit that Update answered as written.
	told *page
	// split is a seeded bug: a commit reaches the disk in two halves.
	split func(before, after *page) *page
	// deaf is a seeded bug: a commit is not synced.
	deaf func(before, after *page) bool
	// lose is a seeded bug: what is put there is never written.
	lose func(bucket, key string) bool
	// looking and writing are the transactions, one of each at a time; spare are
	// the entries of pages that nobody can come back to.
	looking, writing shelfTx
	spare            [][]entry
}

func (s *shelf) Close() error { return nil }

func (s *shelf) View(do func(journal.Tx) error) error {
	s.looking = shelfTx{s: s, entries: s.d.pages.now().entries}
	return do(&s.looking)
}

func (s *shelf) Update(do func(journal.Tx) error) error {
	w := s.d.w
	w.step("journal")
	w.busy = true
	defer func() { w.busy = false }()
	before := s.d.pages.now()
	tx := &s.writing
	*tx = shelfTx{s: s, entries: before.entries}
	if err := do(tx); err != nil {
		return err
	}
	if !tx.own {
		return nil
	}
	after := &page{number: before.number + 1, entries: tx.entries}
	if w.fails("journal") {
		switch w.choose(3) {
		case 1:
			s.d.pages.set(after)
		case 2:
			s.d.pages.set(after)
			s.d.pages.sync()
		}
		return errIO
	}
	if s.split != nil {
		if half := s.split(before, after); half != nil {
			s.d.pages.set(half)
			s.d.pages.sync()
			w.step("journal")
		}
	}
	s.d.pages.set(after)
	w.step("journal")
	if s.deaf == nil || !s.deaf(before, after) {
		s.forget()
		s.d.pages.sync()
	}
	s.told, w.busy = after, false
	w.step("journal")
	return nil
}

// forget takes the entries of every page before the newest, which is about to be
// the durable one: no cut leads back to them.
func (s *shelf) forget() {
	c := &s.d.pages
	if len(c.pending) == 0 {
		return
	}
	for i := -1; i < len(c.pending)-1; i++ {
		old := c.kept
		if i >= 0 {
			old = c.pending[i]
		}
		s.spare, old.entries = append(s.spare, old.entries[:0]), nil
	}
}

// room is where a transaction may write.
func (s *shelf) room() []entry {
	n := len(s.spare) - 1
	if n < 0 {
		return make([]entry, 0, 64)
	}
	room := s.spare[n]
	s.spare = s.spare[:n]
	return room
}

type shelfTx struct {
	s       *shelf
	entries []entry
	own     bool // entries are this transaction's own copy
}

func (t *shelfTx) at(bucket, key []byte) int {
	for i := range t.entries {
		if e := &t.entries[i]; e.key == string(key) && e.bucket == string(bucket) {
			return i
		}
	}
	return -1
}

func (t *shelfTx) Get(bucket, key []byte) []byte {
	if i := t.at(bucket, key); i >= 0 {
		return t.entries[i].value
	}
	return nil
}

func (t *shelfTx) copied() {
	if !t.own {
		t.entries, t.own = append(t.s.room(), t.entries...), true
	}
}

// Read is json.Unmarshal, once for each text.
func (t *shelfTx) Read(value []byte, v any) error { return t.s.d.w.reading.read(value, v) }

// Write is json.Marshal, once for each value.
func (t *shelfTx) Write(v any) ([]byte, error) { return t.s.Write(v) }

func (s *shelf) Write(v any) ([]byte, error) { return s.d.w.reading.write(v) }

func (t *shelfTx) Put(bucket, key, value []byte) error {
	if t.s.lose != nil && t.s.lose(string(bucket), string(key)) {
		return nil
	}
	t.copied()
	kept := t.s.d.w.reading.keep(value)
	if i := t.at(bucket, key); i >= 0 {
		t.entries[i].value = kept
		return nil
	}
	t.entries = append(t.entries, entry{string(bucket), string(key), kept})
	return nil
}

func (t *shelfTx) Delete(bucket, key []byte) error {
	if i := t.at(bucket, key); i >= 0 {
		t.copied()
		t.entries = slices.Delete(t.entries, i, i+1)
	}
	return nil
}

func (t *shelfTx) Each(bucket []byte, do func(key, value []byte) error) error {
	for _, e := range t.entries {
		if e.bucket == string(bucket) && e.key != sequence {
			if err := do([]byte(e.key), e.value); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *shelfTx) Empty(bucket []byte) error {
	t.copied()
	t.entries = slices.DeleteFunc(t.entries, func(e entry) bool { return e.bucket == string(bucket) })
	return nil
}

// sequence is the name under which a bucket's last number lies.
const sequence = "\x00last"

func (t *shelfTx) Next(bucket []byte) (uint64, error) {
	last := t.Get(bucket, []byte(sequence))
	n := uint64(1)
	if len(last) == 1 {
		n = uint64(last[0]) + 1
	}
	return n, t.Put(bucket, []byte(sequence), []byte{byte(n)})
}

// note finds a value by its names on disk, which are never renamed.
func (p *page) note(bucket, key string) []byte {
	for i := range p.entries {
		if e := &p.entries[i]; e.key == key && e.bucket == bucket {
			return e.value
		}
	}
	return nil
}

// memo is a value of the journal, read again only when it was written again: the
// model looks at every step, and most steps change nothing of it.
type memo[T any] struct {
	raw []byte
	v   T
}

// of reads the value out of a page; false where it is not there.
func (m *memo[T]) of(w *world, p *page, bucket, key string) (T, bool) {
	raw := p.note(bucket, key)
	if len(raw) == 0 {
		var none T
		return none, false
	}
	if len(m.raw) != len(raw) || &m.raw[0] != &raw[0] {
		var v T
		if err := w.reading.read(raw, &v); err != nil {
			panic(err)
		}
		m.raw, m.v = raw, v
	}
	return m.v, true
}
