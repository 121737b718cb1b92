package journal

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
)

// Challenge is the one that is outstanding. Failures counts the commands that
// answered another one; Boot and Uptime say when it was made, in seconds of
// uptime of that boot, because no clock is asked.
type Challenge struct {
	Value    string `json:"value"`
	Failures int    `json:"failures"`
	Boot     string `json:"boot"`
	Uptime   int64  `json:"uptime"`
	Spent    int64  `json:"spent"` // seconds of uptime counted in earlier boots
}

// consume marks a command id as used, moves the number and kills the challenge.
func consume(tx Tx, id string, seq int64) error {
	if id == "" {
		return nil
	}
	if err := tx.Put(bucketIDs, []byte(id), []byte("{}")); err != nil {
		return err
	}
	if err := tx.Delete(bucketMemory, keyChallenge); err != nil {
		return err
	}
	return tx.Put(bucketMemory, keySeq, number(seq))
}

// Consumed says whether a command id was used.
func (j *Journal) Consumed(id string) (yes bool, err error) {
	err = j.store.View(func(tx Tx) error {
		yes = tx.Get(bucketIDs, []byte(id)) != nil
		return nil
	})
	return yes, err
}

// ConsumedIDs lists every used command id, sorted.
func (j *Journal) ConsumedIDs() (ids []string, err error) {
	err = j.store.View(func(tx Tx) error {
		return tx.Each(bucketIDs, func(id, _ []byte) error {
			ids = append(ids, string(id))
			return nil
		})
	})
	slices.Sort(ids)
	return ids, err
}

// Inherit takes over the memory of an earlier enrolment: ids are for ever, the
// numbers begin again with the epoch.
func (j *Journal) Inherit(ids []string, epoch int64) error {
	err := j.store.Update(func(tx Tx) error {
		for _, id := range ids {
			if err := tx.Put(bucketIDs, []byte(id), []byte("{}")); err != nil {
				return err
			}
		}
		if err := tx.Put(bucketMemory, keySeq, number(0)); err != nil {
			return err
		}
		return tx.Put(bucketMemory, keyEpoch, number(epoch))
	})
	if err != nil {
		return fmt.Errorf("cannot take over the memory of the last enrolment: %w", err)
	}
	return nil
}

// LastSeq is the number of the last command that was accepted.
func (j *Journal) LastSeq() (int64, error) { return j.number(keySeq) }

// Floor is the latest time, in Unix seconds, that the terminal is sure has passed.
func (j *Journal) Floor() (int64, error) { return j.number(keyFloor) }

// RaiseFloor moves the floor up; it never goes down.
func (j *Journal) RaiseFloor(to int64) error {
	have, err := j.Floor()
	if err != nil || to <= have {
		return err
	}
	return j.store.Update(func(tx Tx) error { return tx.Put(bucketMemory, keyFloor, number(to)) })
}

// Challenge reads the one outstanding; false where there is none.
func (j *Journal) Challenge() (c Challenge, ok bool, err error) {
	err = j.store.View(func(tx Tx) error {
		b := tx.Get(bucketMemory, keyChallenge)
		if ok = b != nil; !ok {
			return nil
		}
		return json.Unmarshal(b, &c)
	})
	return c, ok, err
}

// SetChallenge replaces the one outstanding; an empty value removes it.
func (j *Journal) SetChallenge(c Challenge) error {
	return j.store.Update(func(tx Tx) error {
		if c.Value == "" {
			return tx.Delete(bucketMemory, keyChallenge)
		}
		b, err := json.Marshal(c)
		if err != nil {
			return err
		}
		return tx.Put(bucketMemory, keyChallenge, b)
	})
}

// Base is the number of the reader's last event before this binding; false
// until it was written down.
func (j *Journal) Base() (base uint64, known bool, err error) {
	err = j.store.View(func(tx Tx) error {
		b := tx.Get(bucketMemory, keyBase)
		if known = len(b) == 8; known {
			base = binary.BigEndian.Uint64(b)
		}
		return nil
	})
	return base, known, err
}

// SetBase writes the base down; it is done once in a binding.
func (j *Journal) SetBase(base uint64) error {
	err := j.store.Update(func(tx Tx) error { return tx.Put(bucketMemory, keyBase, number(int64(base))) })
	if err != nil {
		return fmt.Errorf("cannot write down where the reader's events begin: %w", err)
	}
	return nil
}

func (j *Journal) number(key []byte) (n int64, err error) {
	err = j.store.View(func(tx Tx) error {
		if b := tx.Get(bucketMemory, key); len(b) == 8 {
			n = int64(binary.BigEndian.Uint64(b))
		}
		return nil
	})
	return n, err
}

func number(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }
