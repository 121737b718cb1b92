package journal

import (
	"encoding/json"
	"fmt"
)

// Note is what a step keeps and reads. Keep and Send take effect with the
// step's "done", in the same transaction; Save takes effect at once, for what
// must be known even if the step is cut.
type Note struct {
	j      *Journal
	kept   map[string][]byte
	sent   []Parcel
	detail string
}

func (j *Journal) note() *Note { return &Note{j: j, kept: map[string][]byte{}} }

// Keep keeps v, as JSON, under a name.
func (n *Note) Keep(name string, v any) error {
	b, err := write(n.j.store, v)
	if err != nil {
		return fmt.Errorf("cannot keep %s: %w", name, err)
	}
	n.kept[name] = b
	return nil
}

// Save writes v, as JSON, under a name at once and durably.
func (n *Note) Save(name string, v any) error { return n.j.Save(name, v) }

// Get reads what this or an earlier step kept; false where there is nothing.
func (n *Note) Get(name string, v any) (bool, error) {
	if b, ok := n.kept[name]; ok {
		return true, json.Unmarshal(b, v)
	}
	return n.j.Get(name, v)
}

// Send puts a parcel into the outbox, with the step's "done".
func (n *Note) Send(p Parcel) { n.sent = append(n.sent, p) }

// Say sets the one line that is shown beside the step.
func (n *Note) Say(format string, args ...any) { n.detail = fmt.Sprintf(format, args...) }

func (n *Note) write(tx Tx) error {
	for name, b := range n.kept {
		if err := tx.Put(bucketNotes, []byte(name), b); err != nil {
			return err
		}
	}
	for _, p := range n.sent {
		if err := putParcel(tx, p); err != nil {
			return err
		}
	}
	return nil
}

// Save writes v, as JSON, under a name at once and durably.
func (j *Journal) Save(name string, v any) error {
	b, err := write(j.store, v)
	if err != nil {
		return fmt.Errorf("cannot write %s into the journal: %w", name, err)
	}
	err = j.store.Update(func(tx Tx) error { return tx.Put(bucketNotes, []byte(name), b) })
	if err != nil {
		return fmt.Errorf("cannot write %s into the journal: %w", name, err)
	}
	return nil
}

// Get reads a note; false where there is none.
func (j *Journal) Get(name string, v any) (found bool, err error) {
	err = j.store.View(func(tx Tx) error {
		b := tx.Get(bucketNotes, []byte(name))
		if found = b != nil; !found {
			return nil
		}
		return read(tx, b, v)
	})
	if err != nil {
		return false, fmt.Errorf("cannot read %s from the journal: %w", name, err)
	}
	return found, nil
}
