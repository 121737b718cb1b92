package journal

import (
	"encoding/json"
	"fmt"
)

// Damage is what is known to be wrong with the ledger: the sentence, and when it
// was first noticed, in Unix seconds of the terminal's clock.
type Damage struct {
	Why   string `json:"why"`
	Code  string `json:"code,omitempty"` // E26 and what it is; E26 alone where there is none
	Since int64  `json:"since"`
}

// Damage reads what is wrong with the ledger; false where nothing is known. It
// outlives every command, because what was noticed during one is true after it.
func (j *Journal) Damage() (d Damage, known bool, err error) {
	err = j.store.View(func(tx Tx) error {
		b := tx.Get(bucketMemory, keyDamage)
		if known = b != nil; !known {
			return nil
		}
		return json.Unmarshal(b, &d)
	})
	if err != nil {
		return d, false, fmt.Errorf("cannot read what is wrong with the ledger: %w", err)
	}
	return d, known, nil
}

// SetDamage writes it down, durably; what was noticed first stays. A second
// sentence takes nothing away, and only Sound does.
func (j *Journal) SetDamage(d Damage) error {
	err := j.store.Update(func(tx Tx) error {
		if tx.Get(bucketMemory, keyDamage) != nil {
			return nil
		}
		b, err := json.Marshal(d)
		if err != nil {
			return err
		}
		return tx.Put(bucketMemory, keyDamage, b)
	})
	if err != nil {
		return fmt.Errorf("cannot write down what is wrong with the ledger: %w", err)
	}
	return nil
}

// Sound forgets it: the whole ledger was read and is as it was written.
func (j *Journal) Sound() error {
	if _, known, err := j.Damage(); err != nil || !known {
		return err
	}
	if err := j.store.Update(func(tx Tx) error { return tx.Delete(bucketMemory, keyDamage) }); err != nil {
		return fmt.Errorf("cannot write down that the ledger is whole: %w", err)
	}
	return nil
}
