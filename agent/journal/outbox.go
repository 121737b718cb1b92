package journal

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
)

// Parcel is one object that must reach the desk: its place and its bytes.
type Parcel struct {
	ID   uint64 `json:"-"`
	Case string `json:"case"`
	Kind string `json:"kind"`
	N    int64  `json:"n"`
	Body []byte `json:"body"`
}

func putParcel(tx Tx, p Parcel) error {
	id, err := tx.Next(bucketOutbox)
	if err != nil {
		return err
	}
	b, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return tx.Put(bucketOutbox, binary.BigEndian.AppendUint64(nil, id), b)
}

// Post puts a parcel into the outbox, durably.
func (j *Journal) Post(p Parcel) error {
	if err := j.store.Update(func(tx Tx) error { return putParcel(tx, p) }); err != nil {
		return fmt.Errorf("cannot put %s %d into the outbox: %w", p.Kind, p.N, err)
	}
	return nil
}

// Outbox lists what was not acknowledged yet, oldest first.
func (j *Journal) Outbox() (parcels []Parcel, err error) {
	err = j.store.View(func(tx Tx) error {
		return tx.Each(bucketOutbox, func(id, b []byte) error {
			p := Parcel{ID: binary.BigEndian.Uint64(id)}
			if err := json.Unmarshal(b, &p); err != nil {
				return err
			}
			parcels = append(parcels, p)
			return nil
		})
	})
	return parcels, err
}

// Number gives the next number of a kind of object within a case.
func (j *Journal) Number(caseID, kind string) (n int64, err error) {
	key := []byte(kind + "/" + caseID)
	err = j.store.Update(func(tx Tx) error {
		if b := tx.Get(bucketCounts, key); len(b) == 8 {
			n = int64(binary.BigEndian.Uint64(b))
		}
		n++
		return tx.Put(bucketCounts, key, number(n))
	})
	return n, err
}
