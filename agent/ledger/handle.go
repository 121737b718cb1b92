package ledger

import (
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

// bbolt reads through a map of the file, and a page that the medium does not give
// is a fault there. guard makes an error of it, but a fault while bbolt holds one
// of its locks leaves the lock held for ever, and whoever wants it next, to write
// or only to close, would wait for ever too. So transactions begin and end here:
// what bbolt looks at under its locks is read with a call first, which can fail
// like any other, and a segment in which a fault was met at such a moment is never
// asked again; it is let go unclosed.

var errBroken = fmt.Errorf("%w: reading it broke off half-way", ErrDamaged)

// begin is Begin of bbolt.
func (s *segment) begin(write bool) (tx *bbolt.Tx, err error) {
	s.gate.Lock()
	defer s.gate.Unlock()
	if s.broken {
		return nil, errBroken
	}
	var metas [2 * pageSize]byte // both are looked at under the lock
	if _, err := s.file.ReadAt(metas[:], 0); err != nil {
		return nil, ofTheMedium(ofShort(err))
	}
	s.broken = true
	tx, err = s.DB.Begin(write)
	s.broken = false
	return tx, err
}

// end is Rollback of bbolt, which after a commit has nothing left to do.
func (s *segment) end(tx *bbolt.Tx) {
	s.gate.Lock()
	defer s.gate.Unlock()
	if s.broken {
		return
	}
	s.broken = true
	_ = tx.Rollback() // after a commit it only says that there is nothing left to roll back
	s.broken = false
}

// View is View of bbolt.
func (s *segment) View(fn func(*bbolt.Tx) error) error {
	tx, err := s.begin(false)
	if err != nil {
		return err
	}
	defer s.end(tx)
	return fn(tx)
}

// Update is Update of bbolt.
func (s *segment) Update(fn func(*bbolt.Tx) error) error {
	tx, err := s.begin(true)
	if err != nil {
		return err
	}
	defer s.end(tx)
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// close closes the file, or lets it go where bbolt would wait for itself.
func (s *segment) close() error {
	s.gate.Lock()
	broken := s.broken
	s.gate.Unlock()
	if broken {
		return errors.Join(errBroken, s.unlock())
	}
	return errors.Join(guard(s.DB.Close), s.unlock())
}
