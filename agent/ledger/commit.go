package ledger

import (
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

// store commits the records that follow number after, and the state with them.
//
//	staged -> committing -> durable
//	             |
//	             +-> unknown: the ledger is dead
func (l *Ledger) store(next *state, after uint64, sealed [][]byte) error {
	var committing bool
	err := guard(func() error {
		tx, err := l.db.begin(true)
		if err != nil {
			return err
		}
		defer l.db.end(tx)
		if err := l.put(tx, next, after, sealed); err != nil {
			return err
		}
		committing = true
		commit := func() error { return guard(tx.Commit) }
		return outside(func() error { return l.wrap(commit) })
	})
	switch {
	case err == nil:
		l.current.Store(next)
	case committing:
		err = fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
		l.dead = err
	case errors.Is(err, ErrDamaged):
		l.dead = err
	}
	return err
}

func (l *Ledger) put(tx *bbolt.Tx, next *state, after uint64, sealed [][]byte) error {
	records := tx.Bucket(recordBucket)
	records.FillPercent = 1 // keys only rise: no page is ever split to insert
	for i, value := range sealed {
		if err := records.Put(seqKey(after+1+uint64(i)), value); err != nil {
			return err
		}
	}
	value, err := l.sealer.sealState(next)
	if err != nil {
		return err
	}
	return tx.Bucket(stateBucket).Put(stateKey, value)
}

// renewMeta makes an empty commit, after which both of bbolt's meta pages lead
// to the same records.
func renewMeta(db *segment) error {
	return guard(func() error { return db.Update(func(*bbolt.Tx) error { return nil }) })
}
