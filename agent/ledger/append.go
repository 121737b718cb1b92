package ledger

import (
	"errors"
	"fmt"
	"slices"
)

// Event is one event of a reader: its number there, and its content as the
// reader sent it, canonical JSON without `seq`.
type Event struct {
	Seq  uint64 // the reader's number, from 1
	Body []byte
	Lost bool   // the reader does not have it any more: its number is recorded with the rule "E25:lost"
	Rule string // its content was refused before, by this rule, and is not there; "" if it is
}

// Refusal says which event was recorded without its content, and by which rule.
type Refusal struct {
	Evseq uint64
	Code  string // "E25:" and the rule
}

// Appended says what became of the events of one Append, all of it durable.
type Appended struct {
	Head     Head      // the ledger's head after the commit they were in
	Added    int       // new records, the refused ones among them
	Repeated int       // dropped: already in the ledger
	Refused  []Refusal // in the reader's order
}

// waiting is one Append in the queue; done and what follows it belong to the
// writer until done.
type waiting struct {
	reader string
	events []Event

	done     bool
	appended Appended
	err      error
}

// Append stores the events of one reader and returns when they are durable; all
// of them are in one commit, and so are those of everybody else who waits. The
// numbers of a reader are contiguous: a repeated event is dropped, a missing
// one refuses the whole call with ErrGap and stores nothing. A body that breaks
// a rule is no error: it is stored as a record of its number and the rule.
// After ErrOutcomeUnknown nothing may be acknowledged and this Ledger writes no
// more.
func (l *Ledger) Append(reader string, events []Event) (Appended, error) {
	w := &waiting{reader: reader, events: events}
	if err := l.plausible(w); err != nil {
		return Appended{}, fmt.Errorf("cannot append: %w", err)
	}
	l.queueing.Lock()
	l.queue = append(l.queue, w)
	l.queueing.Unlock()

	l.writing.Lock()
	defer l.writing.Unlock()
	for !w.done {
		l.writeGroup(l.nextGroup())
	}
	if w.err != nil {
		return Appended{}, fmt.Errorf("cannot append: %w", w.err)
	}
	return w.appended, nil
}

func (l *Ledger) plausible(w *waiting) error {
	if !isID(w.reader) {
		return errors.New("the reader's serial is not an identifier")
	}
	for _, e := range w.events {
		if e.Seq == 0 || e.Seq > maxInt {
			return fmt.Errorf("%d is not an event number", e.Seq)
		}
	}
	if cost := w.cost(); cost > l.groupLimit() {
		return fmt.Errorf("%d bytes of events at once are more than %d", cost, l.groupLimit())
	}
	return nil
}

// cost is an upper bound of the bytes its records take, sealed, with their keys.
func (w *waiting) cost() (bytes int64) {
	for _, e := range w.events {
		bytes += int64(min(len(e.Body), maxBody)) + 256
	}
	return bytes
}

// groupLimit bounds a commit, so that one always fits an empty segment.
func (l *Ledger) groupLimit() int64 { return l.max / 8 }

// nextGroup takes from the head of the queue what goes into one commit.
func (l *Ledger) nextGroup() []*waiting {
	l.queueing.Lock()
	defer l.queueing.Unlock()
	n, cost := 0, int64(0)
	for n < len(l.queue) {
		cost += l.queue[n].cost()
		if n > 0 && cost > l.groupLimit() {
			break
		}
		n++
	}
	group := slices.Clone(l.queue[:n])
	l.queue = slices.Delete(l.queue, 0, n)
	return group
}

// writeGroup makes one commit of the group and answers everybody in it.
func (l *Ledger) writeGroup(group []*waiting) {
	head, err := l.tryGroup(group)
	for _, w := range group {
		w.done = true
		w.appended.Head = head
		if w.err == nil {
			w.err = err
		}
	}
}

func (l *Ledger) tryGroup(group []*waiting) (Head, error) {
	if l.dead == nil && l.harmed.Load() {
		l.dead = ErrDamaged
	}
	if l.dead != nil {
		return Head{}, l.dead
	}
	var cost int64
	for _, w := range group {
		cost += w.cost()
	}
	if err := l.makeRoom(cost); err != nil {
		return Head{}, err
	}
	before := l.current.Load()
	next := *before
	next.running = before.running.clone()
	var sealed [][]byte
	for _, w := range group {
		if w.err = w.gap(next.running); w.err != nil {
			continue
		}
		values, err := l.stage(w, next.running)
		if err != nil {
			return Head{}, err
		}
		sealed = append(sealed, values...)
	}
	if len(sealed) == 0 {
		return before.running.head, nil
	}
	return next.running.head, l.store(&next, before.running.head.Seq, sealed)
}
