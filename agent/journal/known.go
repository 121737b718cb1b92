package journal

import "fmt"

// LedgerKnown is the number of a record that was durable in the ledger once; 0
// before there was any. The ledger cannot show by itself that its end is gone, or
// all of it: this is outside it. It lags behind what is there, and never leads.
func (j *Journal) LedgerKnown() (seq uint64, err error) {
	n, err := j.number(keyKnown)
	if err != nil {
		return 0, fmt.Errorf("cannot read how far the ledger was: %w", err)
	}
	return uint64(n), nil
}

// RaiseLedgerKnown writes down, durably, that so many records are; it never goes
// down.
func (j *Journal) RaiseLedgerKnown(seq uint64) error {
	have, err := j.LedgerKnown()
	if err != nil || seq <= have {
		return err
	}
	if err := j.store.Update(func(tx Tx) error { return tx.Put(bucketMemory, keyKnown, number(int64(seq))) }); err != nil {
		return fmt.Errorf("cannot write down how far the ledger is: %w", err)
	}
	return nil
}
