package store

import "unbindd/agent/envelope"

// Wanted names a manifest whose ticket is due.
type Wanted struct {
	Case envelope.ID `json:"case"`
	N    int64       `json:"n"`
}

func (w Wanted) text() string { return string(w.Case) + "\x00" + number(w.N) }

// PutWanted queues a manifest for its ticket; one that is queued already stays.
func (t *Tx) PutWanted(w Wanted) error { return put(t, inWanted, w.text(), w) }

// RemoveWanted takes a manifest out of the queue, if it is there.
func (t *Tx) RemoveWanted(w Wanted) error { return t.rows.Remove(inWanted, w.text()) }

// Wanted calls each for every manifest in the queue, by case and number.
func (t *Tx) Wanted(each func(Wanted) error) error {
	return all(t, inWanted, "", "", func(_ string, w Wanted) error { return each(w) })
}
