package store

import "errors"

// Caps are how many commands may be published in a day, UTC: by one signer, and
// in all; 0 is no cap.
type Caps struct {
	Signer int64 `json:"signer"`
	Day    int64 `json:"day"`
}

// UsualCaps hold where caps were never set: nobody who took a signer's key, or the desk's
// socket, orders more in a day than a desk's day is.
var UsualCaps = Caps{Signer: 100, Day: 500}

// CapsSet is that caps were set.
type CapsSet struct {
	Caps
	At int64 `json:"at"` // Unix seconds
}

// mostCapsSet is how many changes of the caps are kept.
const mostCapsSet = 100

// Caps reads the caps in force.
func (t *Tx) Caps() (Caps, error) {
	c, err := get[Caps](t, inSettings, "caps")
	if absent(err) {
		return UsualCaps, nil
	}
	return c, err
}

// PutCaps sets the caps for every desk on this store, and keeps that they were set.
func (t *Tx) PutCaps(c Caps, at int64) error {
	set, err := t.CapsHistory()
	if err != nil {
		return err
	}
	set = append(set, CapsSet{Caps: c, At: at})
	return errors.Join(put(t, inSettings, "caps", c), put(t, inSettings, "caps-history", set[max(0, len(set)-mostCapsSet):]))
}

// CapsHistory tells when the caps were set to what, the newest last.
func (t *Tx) CapsHistory() ([]CapsSet, error) {
	set, err := get[[]CapsSet](t, inSettings, "caps-history")
	if absent(err) {
		return nil, nil
	}
	return set, err
}

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
