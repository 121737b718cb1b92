package devicesim

import (
	"crypto/ed25519"
)

// ownKeys are the reader's own three keys. They are no payment keys: no erase touches them, and only an order
// signed by the present ticket key changes them. The link key has a state in between, so that no power cut locks
// either end out:
//
//	Link -> Link + Next (order) -> Link + another Next (another order)
//	Link + Next -> Next as Link (the first authentic command of a session under Next)
type ownKeys struct {
	Link   []byte `json:"link"`           // K_dev, shared with the bound host
	Next   []byte `json:"next,omitempty"` // K_dev as ordered, not proven yet
	Record []byte `json:"record"`         // Ed25519 seed of the key that signs erase records
	Ticket []byte `json:"ticket"`         // public key of who may order an erase

	Rotations uint32 `json:"rotations"`        // orders carried out
	Order     []byte `json:"order,omitempty"`  // SHA-256 of the last of them, with its signature
	Answer    []byte `json:"answer,omitempty"` // what it was answered
}

// promote lets the former link key go.
func (o *ownKeys) promote() { o.Link, o.Next = o.Next, nil }

func (o *ownKeys) recordKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(o.Record) }

// forget saves the state into both of its pages, so that a key it does not hold any more is nowhere.
func (m *memory) forget() error {
	if err := m.save(); err != nil {
		return err
	}
	return m.save()
}
