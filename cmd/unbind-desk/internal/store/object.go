package store

import (
	"errors"
	"fmt"
	"strings"

	"unbindd/agent/envelope"
)

func (k Key) text() string { return string(k.Case) + "\x00" + k.Kind + "\x00" + number(k.N) }

// Object reads one object.
func (t *Tx) Object(k Key) (Object, error) { return get[Object](t, inObjects, k.text()) }

// AddObject writes a new object and gives it the next leaf of the log, in the
// same transaction; it never writes over one.
func (t *Tx) AddObject(k Key, o Object) (Object, error) {
	leaf, err := t.Size()
	if err != nil {
		return o, err
	}
	o.N, o.Leaf = k.N, leaf
	if err := add(t, inObjects, k.text(), o); err != nil {
		return o, fmt.Errorf("cannot write an object: %w", err)
	}
	return o, t.append(leaf, o.Digest)
}

// AddObjectLater is AddObject for an object whose bytes are still being made: its leaf
// is written at once, and the object itself before the transaction is committed, when
// the others who share it have had their turn.
func (t *Tx) AddObjectLater(k Key, o Object, made func() ([]byte, error)) error {
	leaf, err := t.Size()
	if err != nil {
		return err
	}
	o.N, o.Leaf = k.N, leaf
	if err := t.append(leaf, o.Digest); err != nil {
		return err
	}
	return t.later(func(t *Tx) (err error) {
		if o.Body, err = made(); err == nil {
			err = add(t, inObjects, k.text(), o)
		}
		if err != nil {
			return fmt.Errorf("cannot write an object: %w", err)
		}
		return nil
	})
}

// later runs f when the base does what comes later, or at once.
func (t *Tx) later(f func(*Tx) error) error {
	if l, ok := t.rows.(Later); ok {
		l.Later(func(r Rows) error { return f(&Tx{r}) })
		return nil
	}
	return f(t)
}

// Objects calls each for every object of a case and kind, by number.
func (t *Tx) Objects(id envelope.ID, kind string, each func(Object) error) error {
	return all(t, inObjects, string(id)+"\x00"+kind+"\x00", "", func(_ string, o Object) error { return each(o) })
}

// Newest reads the object of a kind with the highest number.
func (t *Tx) Newest(id envelope.ID, kind string) (newest Object, err error) {
	err = t.Objects(id, kind, func(o Object) error { newest = o; return nil })
	if err == nil && newest.N == 0 {
		err = ErrAbsent
	}
	return newest, err
}

// Kinds calls each for every object of a case, by kind and number.
func (t *Tx) Kinds(id envelope.ID, each func(kind string, o Object) error) error {
	return all(t, inObjects, string(id)+"\x00", "", func(key string, o Object) error {
		_, rest, _ := strings.Cut(key, "\x00")
		kind, _, _ := strings.Cut(rest, "\x00")
		return each(kind, o)
	})
}

// absent is true where there is simply no record.
func absent(err error) bool { return errors.Is(err, ErrAbsent) }
