package store

// Caps are how many commands may be published in a day, UTC: by one signer, and
// in all; 0 is no cap.
type Caps struct {
	Signer int64 `json:"signer"`
	Day    int64 `json:"day"`
}

// Caps reads the caps in force; none where they were never set.
func (t *Tx) Caps() (Caps, error) {
	c, err := get[Caps](t, inSettings, "caps")
	if absent(err) {
		return Caps{}, nil
	}
	return c, err
}

// PutCaps sets the caps for every desk on this store.
func (t *Tx) PutCaps(c Caps) error { return put(t, inSettings, "caps", c) }

// Clock is the newest time that this store's desks have signed or kept; 0 where none.
type Clock struct {
	Seen int64 `json:"seen"` // Unix seconds
}

// Clock reads it.
func (t *Tx) Clock() (Clock, error) {
	c, err := get[Clock](t, inSettings, "clock")
	if absent(err) {
		return Clock{}, nil
	}
	return c, err
}

// PutClock sets it for every desk on this store.
func (t *Tx) PutClock(c Clock) error { return put(t, inSettings, "clock", c) }
