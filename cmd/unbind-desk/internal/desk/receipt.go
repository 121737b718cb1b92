package desk

import (
	"unbindd/agent/envelope"
	"unbindd/agent/receipt"
	"unbindd/cmd/unbind-desk/internal/store"
)

// receiptOf is the kind that receipts of a kind are stored under.
func receiptOf(kind string) string { return "receipt-" + kind }

// sign fills a receipt, signs it and stores its bytes in the transaction of the
// object it is for: what goes out was durable first, and never changes. The bytes
// may go out once that transaction is durable. Index is the leaf of that object.
func (d *Desk) sign(tx *store.Tx, s standing, r receipt.Receipt) ([]byte, error) {
	r.Case, r.Command, r.Terminal, r.Received, r.V = s.ID, s.Command, s.Terminal, d.now(), 1
	e, err := envelope.Seal(envelope.Type(receipt.Kind), r, d.Receipts)
	if err != nil {
		return nil, err
	}
	k := store.Key{Case: s.ID, Kind: receiptOf(string(r.Kind)), N: r.N}
	kept, err := d.keep(tx, k, e.Digest(), e.Encode())
	return kept.Body, err
}

// signLater is sign for who shares a commit with many: what is signed is settled at
// once, and the signature is made while the others have their turn to write. The bytes
// are in the same transaction all the same, and in to when it is durable.
func (d *Desk) signLater(tx *store.Tx, s standing, r receipt.Receipt, to *[]byte) error {
	r.Case, r.Command, r.Terminal, r.Received, r.V = s.ID, s.Command, s.Terminal, d.now(), 1
	e, err := envelope.Seal(envelope.Type(receipt.Kind), r)
	if err != nil {
		return err
	}
	k := store.Key{Case: s.ID, Kind: receiptOf(string(r.Kind)), N: r.N}
	o := store.Object{Digest: e.Digest(), Received: r.Received}
	signed := make(chan error, 1) // nobody may come for it: the transaction can be given up
	d.crew.Go(func() { signed <- e.Add(d.Receipts) })
	return tx.AddObjectLater(k, o, func() ([]byte, error) {
		if err := <-signed; err != nil {
			return nil, err
		}
		*to = e.Encode()
		return *to, nil
	})
}

// stored reads an object's bytes back after its commit.
func (d *Desk) stored(k store.Key) ([]byte, error) {
	var o store.Object
	err := d.look(func(tx *store.Tx) error {
		var err error
		o, err = tx.Object(k)
		return err
	})
	return o.Body, absent(err, k.Kind, "the "+k.Kind)
}
