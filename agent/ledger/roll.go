package ledger

import (
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

// makeRoom begins the next segment if records of that many bytes might not fit
// this one. A page holds at least half of itself in records, so twice the bytes
// is enough; the rest is for the tree above them, the state and the step by
// which the file grows.
func (l *Ledger) makeRoom(cost int64) error {
	var used int64
	err := guard(func() error {
		return l.db.View(func(tx *bbolt.Tx) error {
			used = tx.Size()
			return nil
		})
	})
	if err != nil {
		return err
	}
	if used+2*cost+64<<10+2*int64(allocStep(l.max)) <= l.max {
		return nil
	}
	return l.roll()
}

// roll makes the next segment and goes on there. Until its name is on disk the
// old segment is the ledger's end; from then on nothing is written to the old.
// It waits for whoever is reading the old one. Both meta pages of the old one
// lead to all of its records before that: nothing will ever mend one that is
// lost.
func (l *Ledger) roll() error {
	st := l.current.Load()
	next := &state{segment: st.segment + 1, base: st.running.head, start: st.start, running: st.running}
	fresh, err := buildSegment(l.dir, l.sealer, next, l.max)
	if err != nil {
		return fmt.Errorf("cannot begin segment %d: %w", next.segment, err)
	}
	if err := l.moveTo(fresh, next); err != nil {
		l.dead = fmt.Errorf("%w: cannot begin segment %d: %w", ErrOutcomeUnknown, next.segment, err)
		return l.dead
	}
	return nil
}

func (l *Ledger) moveTo(fresh string, next *state) error {
	if err := renewMeta(l.db); err != nil {
		return err
	}
	if err := place(fresh); err != nil {
		return err
	}
	db, st, err := openSegment(l.dir, l.sealer, next.segment, l.max, false)
	if err != nil {
		return err
	}
	if !st.running.equal(next.running) {
		return errors.Join(ErrDamaged, db.close())
	}
	l.files.Lock()
	defer l.files.Unlock()
	old := l.db
	l.db = db
	l.current.Store(next)
	return old.close()
}
