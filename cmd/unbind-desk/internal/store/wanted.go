package store

import (
	"strings"

	"unbindd/agent/envelope"
)

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

// Wanted calls each for every manifest in the queue, by case and number. The key says
// which it is: no record can be too garbled to be passed over by name.
func (t *Tx) Wanted(each func(Wanted) error) error {
	return all(t, inWanted, "", "", func(key string, _ whatever) error {
		id, _, _ := strings.Cut(key, "\x00")
		return each(Wanted{Case: envelope.ID(id), N: numberAt(key)})
	})
}

// whatever is a record that nobody reads.
type whatever struct{}

func (*whatever) scan([]byte) bool { return true }
