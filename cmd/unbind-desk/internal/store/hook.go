package store

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

// AddHook queues a message under the partner's next number.
func (t *Tx) AddHook(h Hook) error {
	n, err := t.Count("hook-" + h.Partner)
	if err != nil {
		return err
	}
	h.N = n
	return add(t, inHooks, h.key(), h)
}

// PutHook writes a queued message anew.
func (t *Tx) PutHook(h Hook) error { return put(t, inHooks, h.key(), h) }

// Hook reads a queued message; ErrAbsent once it was delivered.
func (t *Tx) Hook(partner string, n int64) (Hook, error) {
	return get[Hook](t, inHooks, Hook{Partner: partner, N: n}.key())
}

// RemoveHook takes a message off the queue.
func (t *Tx) RemoveHook(h Hook) error { return t.rows.Remove(inHooks, h.key()) }

// Hooks calls each for every queued message of a partner, the oldest first.
func (t *Tx) Hooks(partner string, each func(Hook) error) error {
	return all(t, inHooks, partner+"\x00", "", func(_ string, h Hook) error { return each(h) })
}
