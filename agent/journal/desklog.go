package journal

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
)

// Seen is what a receipt changes of what the terminal knows of the desk's log. It takes
// effect with the receipt, in the same transaction: a cut leaves both or neither, and the
// desk says both again.
type Seen struct {
	Checkpoint []byte // the newest that continues the one before, as the desk signed it; nil: as it was
	Doubt      *Doubt // what is not joined to it; nil: as it was
	Settled    bool   // the doubt is over
}

// Doubt is a checkpoint that the desk has signed and has not shown to be of the log that
// it showed in another. Both are kept as they were signed, for whoever judges the desk.
type Doubt struct {
	Word  string `json:"word"`            // a warning of the local API
	Kept  string `json:"kept,omitempty"`  // the newest that was verified before, or else the one that convicts with what came
	Shown string `json:"shown,omitempty"` // what came; none where nothing came that the log has signed
	At    int64  `json:"at"`              // Unix milliseconds
}

func (s Seen) write(tx Tx) error {
	if s.Settled {
		if err := tx.Delete(bucketMemory, keyDoubt); err != nil {
			return err
		}
	}
	if s.Doubt != nil {
		b, err := json.Marshal(s.Doubt)
		if err != nil {
			return err
		}
		if err := tx.Put(bucketMemory, keyDoubt, b); err != nil {
			return err
		}
	}
	if s.Checkpoint == nil {
		return nil
	}
	return tx.Put(bucketMemory, keyCheckpoint, s.Checkpoint)
}

// empty says whether nothing changes.
func (s Seen) empty() bool { return s.Checkpoint == nil && s.Doubt == nil && !s.Settled }

// See writes down what is known of the desk's log where the receipt lies elsewhere.
func (j *Journal) See(s Seen) error {
	if s.empty() {
		return nil
	}
	if err := j.store.Update(s.write); err != nil {
		return fmt.Errorf("cannot write down what is known of the desk's log: %w", err)
	}
	return nil
}

// Receive writes a receipt down under a name, as Save does, with what came beside it.
func (j *Journal) Receive(name string, v any, s Seen) error {
	b, err := write(j.store, v)
	if err == nil {
		err = j.store.Update(func(tx Tx) error {
			if err := tx.Put(bucketNotes, []byte(name), b); err != nil {
				return err
			}
			return s.write(tx)
		})
	}
	if err != nil {
		return fmt.Errorf("cannot write %s into the journal: %w", name, err)
	}
	return nil
}

// Delivered takes a parcel out of the outbox: the desk has signed for it, and this came
// beside its receipt.
func (j *Journal) Delivered(id uint64, s Seen) error {
	err := j.store.Update(func(tx Tx) error {
		if err := tx.Delete(bucketOutbox, binary.BigEndian.AppendUint64(nil, id)); err != nil {
			return err
		}
		return s.write(tx)
	})
	if err != nil {
		return fmt.Errorf("cannot take parcel %d out of the outbox: %w", id, err)
	}
	return nil
}

// Checkpoint is the newest checkpoint of the desk's log that was verified; nil where none
// was in this enrolment. It outlives every case, and goes with the journal.
func (j *Journal) Checkpoint() (text []byte, err error) {
	err = j.store.View(func(tx Tx) error {
		text = append(text, tx.Get(bucketMemory, keyCheckpoint)...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read what is known of the desk's log: %w", err)
	}
	return text, nil
}

// Doubt reads what is not joined to it; nil where all is.
func (j *Journal) Doubt() (d *Doubt, err error) {
	err = j.store.View(func(tx Tx) error {
		if b := tx.Get(bucketMemory, keyDoubt); b != nil {
			d = &Doubt{}
			return json.Unmarshal(b, d)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read what is known of the desk's log: %w", err)
	}
	return d, nil
}
