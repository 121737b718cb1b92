package store

import "errors"

// Hook is one message that a partner is still to get.
type Hook struct {
	Partner  string `json:"partner"`
	N        int64  `json:"n"`
	Body     []byte `json:"body"`
	Made     int64  `json:"made"`
	Attempts int64  `json:"attempts"`
	Next     int64  `json:"next"` // not before
}

func (h Hook) key() string { return h.Partner + "\x00" + number(h.N) }

// due is where a message is found by its time: however many wait, one read finds
// the one that is due first.
func (h Hook) due() string { return h.Partner + "\x00" + number(h.Next) + number(h.N) }

// AddHook queues a message under the partner's next number.
func (t *Tx) AddHook(h Hook) error {
	n, err := t.Count("hook-" + h.Partner)
	if err != nil {
		return err
	}
	h.N = n
	return errors.Join(add(t, inHooks, h.key(), h), put(t, inDue, h.due(), h.N))
}

// PutHook writes a queued message anew.
func (t *Tx) PutHook(h Hook) error {
	if err := t.undue(h); err != nil {
		return err
	}
	return errors.Join(put(t, inHooks, h.key(), h), put(t, inDue, h.due(), h.N))
}

// undue takes away where a message was found by its time until now.
func (t *Tx) undue(h Hook) error {
	before, err := t.Hook(h.Partner, h.N)
	if absent(err) {
		return nil
	}
	return errors.Join(err, t.rows.Remove(inDue, before.due()))
}

// Hook reads a queued message; ErrAbsent once it was delivered.
func (t *Tx) Hook(partner string, n int64) (Hook, error) {
	return get[Hook](t, inHooks, Hook{Partner: partner, N: n}.key())
}

// RemoveHook takes a message off the queue.
func (t *Tx) RemoveHook(h Hook) error {
	return errors.Join(t.undue(h), t.rows.Remove(inHooks, h.key()))
}

// FirstHook reads the queued message of a partner that is due first; ErrAbsent
// where none is queued. A place whose message is gone, or has another place, is
// passed over: it must not stand before those that wait. So is, and is told, one whose
// message cannot be read.
func (t *Tx) FirstHook(partner string, passed func(n int64, why error)) (Hook, error) {
	after := ""
	for limit := 1; ; limit = page { // nearly always it is the first
		rows, err := t.rows.List(inDue, partner+"\x00", after, limit)
		if err != nil {
			return Hook{}, err
		}
		for _, row := range rows {
			h, err := t.Hook(partner, numberAt(row.Key))
			if err == nil && h.due() == row.Key {
				return h, nil
			}
			switch {
			case errors.Is(err, ErrGarbled):
				passed(numberAt(row.Key), err)
			case err != nil && !absent(err):
				return Hook{}, err
			}
			after = row.Key
		}
		if len(rows) < limit {
			return Hook{}, ErrAbsent
		}
	}
}

// StaleHooks says whether the first place of a partner's messages stands for none.
func (t *Tx) StaleHooks(partner string) (bool, error) {
	rows, err := t.rows.List(inDue, partner+"\x00", "", 1)
	if err != nil || len(rows) == 0 {
		return false, err
	}
	h, err := t.Hook(partner, numberAt(rows[0].Key))
	switch {
	case absent(err):
		return true, nil
	case errors.Is(err, ErrGarbled):
		return false, nil
	}
	return h.due() != rows[0].Key, err
}

// DropStaleHooks takes away, among the first places of a partner's messages, those
// that stand for none; a message that is there gets the place that is its own.
func (t *Tx) DropStaleHooks(partner string) error {
	rows, err := t.rows.List(inDue, partner+"\x00", "", page)
	for _, row := range rows {
		h, missing := t.Hook(partner, numberAt(row.Key))
		if missing == nil && h.due() == row.Key {
			continue
		}
		if missing == nil {
			err = errors.Join(err, put(t, inDue, h.due(), h.N))
		} else if errors.Is(missing, ErrGarbled) {
			continue
		} else if !absent(missing) {
			err = errors.Join(err, missing)
			continue
		}
		err = errors.Join(err, t.rows.Remove(inDue, row.Key))
	}
	return err
}
