package store

import "unbindd/agent/envelope"

// Strays is how many answers of a terminal on one day belonged to no case.
type Strays struct {
	Day   int64 `json:"day"` // since 1970, UTC
	Count int64 `json:"count"`
}

// Strays reads them; none where a terminal never sent one.
func (t *Tx) Strays(terminal envelope.ID) (Strays, error) {
	s, err := get[Strays](t, inStrays, string(terminal))
	if absent(err) {
		err = nil
	}
	return s, err
}

// PutStrays writes them.
func (t *Tx) PutStrays(terminal envelope.ID, s Strays) error {
	return put(t, inStrays, string(terminal), s)
}

// SetCounted writes a counter that goes down, too.
func (t *Tx) SetCounted(name string, n int64) error { return put(t, inCounters, name, n) }
