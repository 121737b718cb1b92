package journal

import (
	"encoding/json"
	"fmt"
	"slices"
)

// mostJudged is how many orders are remembered as judged; what is older is news again.
const mostJudged = 32

// Refuse writes down, durably, what was refused last, in the form of who shows it, and
// that the order of this name was judged; "" where there is no name, or no judgement.
func (j *Journal) Refuse(last any, name string) error {
	err := j.store.Update(func(tx Tx) error {
		b, err := json.Marshal(last)
		if err != nil {
			return err
		}
		if err := tx.Put(bucketMemory, keyRefused, b); err != nil {
			return err
		}
		return judge(tx, name)
	})
	if err != nil {
		return fmt.Errorf("cannot write down what was refused: %w", err)
	}
	return nil
}

// LastRefused reads what was refused last; false where nothing was since a command was
// accepted.
func (j *Journal) LastRefused(last any) (found bool, err error) {
	err = j.store.View(func(tx Tx) error {
		b := tx.Get(bucketMemory, keyRefused)
		if found = b != nil; !found {
			return nil
		}
		return json.Unmarshal(b, last)
	})
	if err != nil {
		return false, fmt.Errorf("cannot read what was refused last: %w", err)
	}
	return found, nil
}

// Judged lists the orders that were refused or accepted, the oldest first. It outlives
// every case, because an order may be offered again whenever a process begins.
func (j *Journal) Judged() (names []string, err error) {
	err = j.store.View(func(tx Tx) error {
		names, err = readJudged(tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read which orders were judged: %w", err)
	}
	return names, nil
}

// accept forgets the last refusal with the transaction that accepts a command.
func accept(tx Tx, name string) error {
	if err := tx.Delete(bucketMemory, keyRefused); err != nil {
		return err
	}
	return judge(tx, name)
}

func judge(tx Tx, name string) error {
	names, err := readJudged(tx)
	if err != nil || name == "" || slices.Contains(names, name) {
		return err
	}
	names = append(names, name)
	b, err := json.Marshal(names[max(0, len(names)-mostJudged):])
	if err != nil {
		return err
	}
	return tx.Put(bucketMemory, keyJudged, b)
}

func readJudged(tx Tx) (names []string, err error) {
	b := tx.Get(bucketMemory, keyJudged)
	if b == nil {
		return nil, nil
	}
	return names, json.Unmarshal(b, &names)
}
