package journal

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// Parcel is one object that must reach the desk: its place and its bytes.
type Parcel struct {
	ID   uint64 `json:"-"`
	Case string `json:"case"`
	Kind string `json:"kind"`
	N    int64  `json:"n"`
	Body []byte `json:"body"`
}

func putParcel(tx *bolt.Tx, p Parcel) error {
	box := tx.Bucket(bucketOutbox)
	id, err := box.NextSequence()
	if err != nil {
		return err
	}
	b, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return box.Put(binary.BigEndian.AppendUint64(nil, id), b)
}

// Post puts a parcel into the outbox, durably.
func (j *Journal) Post(p Parcel) error {
	if err := j.db.Update(func(tx *bolt.Tx) error { return putParcel(tx, p) }); err != nil {
		return fmt.Errorf("cannot put %s %d into the outbox: %w", p.Kind, p.N, err)
	}
	return nil
}

// Outbox lists what was not acknowledged yet, oldest first.
func (j *Journal) Outbox() (parcels []Parcel, err error) {
	err = j.db.View(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketOutbox).ForEach(func(id, b []byte) error {
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

// Delivered takes a parcel out of the outbox: the desk has it.
func (j *Journal) Delivered(id uint64) error {
	return j.db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketOutbox).Delete(binary.BigEndian.AppendUint64(nil, id))
	})
}

// Number gives the next number of a kind of object within a case.
func (j *Journal) Number(caseID, kind string) (n int64, err error) {
	key := []byte(kind + "/" + caseID)
	err = j.db.Update(func(tx *bolt.Tx) error {
		counts := tx.Bucket(bucketCounts)
		if b := counts.Get(key); len(b) == 8 {
			n = int64(binary.BigEndian.Uint64(b))
		}
		n++
		return counts.Put(key, number(n))
	})
	return n, err
}
