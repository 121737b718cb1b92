package store

import (
	"errors"
	"fmt"
)

// The errors of a base. Everything else it returns is its own trouble, before
// which nothing was written.
var (
	ErrAbsent  = errors.New("there is none")
	ErrTaken   = errors.New("there is one already")
	ErrAgain   = errors.New("another change was quicker")
	ErrUnknown = errors.New("it is not known whether the last change was written")
	ErrInUse   = errors.New("another desk is serving this directory")
)

// ErrGarbled is of one record, and no trouble of the base: it is there, and does not decode.
var ErrGarbled = errors.New("the record does not decode")

// Row is one row of a table.
type Row struct {
	Key   string
	Value []byte
}

// Rows is what one transaction sees of a base: tables of rows, sorted by key,
// byte by byte. Values that come out last as long as the transaction, and those that
// go in belong to it until it is over: neither may be changed, and nobody copies
// them. A key is never empty.
type Rows interface {
	// Get reads a row; ErrAbsent if there is none.
	Get(t Table, key string) ([]byte, error)
	// Put writes a row, over one that is there.
	Put(t Table, key string, value []byte) error
	// Add writes a row that must be new; ErrTaken if it is not, and the
	// transaction can go on.
	Add(t Table, key string, value []byte) error
	// Remove takes a row away, if it is there.
	Remove(t Table, key string) error
	// List reads rows in order: at most limit of those whose key begins with
	// prefix and comes after after, which may be empty.
	List(t Table, prefix, after string, limit int) ([]Row, error)
}

// Later is what the rows of a base may have beside, where changes of many share a
// commit: f runs in the same transaction when each of them has had its turn. When it
// fails, nothing of that transaction is kept, and each runs once more, alone.
type Later interface {
	Later(f func(Rows) error)
}

// Base is where a desk keeps everything small. Transactions are as if one ran
// after the other, also those of several desks on one base.
type Base interface {
	// Change runs f once in a transaction and returns nil when all it wrote is
	// durable. When f returns an error nothing is written and that error comes
	// back as it is. ErrAgain: another transaction came between, nothing is
	// written, the caller may run it again. ErrUnknown: nobody knows; the base
	// does nothing more until it is opened anew.
	Change(f func(Rows) error) error
	// Look runs f on a state that does not change while it runs, and of which
	// everything is durable.
	Look(f func(Rows) error) error
	// Close ends the base.
	Close() error
}

// tries is how often a change runs before it is given up: each time at least one
// other change went through.
const tries = 1000

// Store is a base with the records of a desk in it.
type Store struct {
	base   Base
	told   func(what string, rows int64)
	passed Passed
}

// Passed hears of a row that a takeover passed over, and why.
type Passed func(what, row string, why error)

// New is Open for who need not hear how far it is; what is passed over is among the
// alarms.
func New(base Base) (*Store, error) {
	return Open(base, func(string, int64) {}, func(string, string, error) {})
}

// Open puts a store on a base, and brings what an older desk wrote there up to
// what this one reads. told hears how far that is: of a large store it takes a while.
func Open(base Base, told func(what string, rows int64), passed Passed) (*Store, error) {
	s := &Store{base: base, told: told, passed: passed}
	if err := s.upgrade(); err != nil {
		return nil, fmt.Errorf("cannot open the store: %w", err)
	}
	return s, nil
}

// Close closes the store.
func (s *Store) Close() error {
	if err := s.base.Close(); err != nil {
		return fmt.Errorf("cannot close the store: %w", err)
	}
	return nil
}

// Change runs f in a transaction that is durable when Change returns nil. f may
// run more than once and must set what it hands out anew each time; when it
// returns an error nothing of it is kept, and that error comes back as it is.
func (s *Store) Change(f func(*Tx) error) error {
	var err error
	for range tries {
		err = s.base.Change(func(r Rows) error { return f(&Tx{r}) })
		if !errors.Is(err, ErrAgain) {
			return err
		}
	}
	return fmt.Errorf("cannot change the store: %w", err)
}

// Look runs f on a state that does not change while it runs. What f sees is
// durable.
func (s *Store) Look(f func(*Tx) error) error {
	return s.base.Look(func(r Rows) error { return f(&Tx{r}) })
}
