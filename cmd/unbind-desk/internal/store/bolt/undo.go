package bolt

import (
	"errors"

	"unbindd/cmd/unbind-desk/internal/store"
)

// undo is what one change sees of a transaction that it shares. It remembers what
// stood there before each write, so that the change can be taken back alone and
// nobody beside it need run again.
type undo struct {
	store.Rows
	was   []before
	read  []before // what it has read: mostly it writes over just that
	later []func(store.Rows) error
}

// readMost is how many rows a change remembers to have read.
const readMost = 16

// Later keeps what is to be done when everybody has had his turn. It cannot be taken
// back alone: others have written since.
func (u *undo) Later(f func(store.Rows) error) { u.later = append(u.later, f) }

// before is a row as it was.
type before struct {
	table store.Table
	key   string
	value []byte
	there bool
}

// next forgets one change for the one after it, and keeps the room.
func (u *undo) next() { u.was, u.read, u.later = u.was[:0], u.read[:0], u.later[:0] }

// Get reads a row.
func (u *undo) Get(t store.Table, key string) ([]byte, error) {
	value, err := u.Rows.Get(t, key)
	if len(u.read) < readMost && (err == nil || errors.Is(err, store.ErrAbsent)) {
		u.read = append(u.read, before{t, key, value, err == nil})
	}
	return value, err
}

// remember keeps what stands in a row that is about to be written. What was read of it
// serves as well: it stood there before the first write, which is taken back last.
func (u *undo) remember(t store.Table, key string) error {
	for _, r := range u.read {
		if r.key == key && r.table == t {
			u.was = append(u.was, r)
			return nil
		}
	}
	value, err := u.Rows.Get(t, key)
	if err != nil && !errors.Is(err, store.ErrAbsent) {
		return err
	}
	u.was = append(u.was, before{t, key, value, err == nil})
	return nil
}

// Put writes a row.
func (u *undo) Put(t store.Table, key string, value []byte) error {
	if err := u.remember(t, key); err != nil {
		return err
	}
	return u.Rows.Put(t, key, value)
}

// Add writes a new row.
func (u *undo) Add(t store.Table, key string, value []byte) error {
	err := u.Rows.Add(t, key, value)
	if err == nil {
		u.was = append(u.was, before{table: t, key: key})
	}
	return err
}

// Remove takes a row away.
func (u *undo) Remove(t store.Table, key string) error {
	if err := u.remember(t, key); err != nil {
		return err
	}
	return u.Rows.Remove(t, key)
}

// back takes everything back, the newest first.
func (u *undo) back() error {
	for i := len(u.was) - 1; i >= 0; i-- {
		w := u.was[i]
		err := error(nil)
		if w.there {
			err = u.Rows.Put(w.table, w.key, w.value)
		} else {
			err = u.Rows.Remove(w.table, w.key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
