package desk

import (
	"errors"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/receipt"
	"unbindd/cmd/unbind-desk/internal/grounds"
	"unbindd/cmd/unbind-desk/internal/store"
)

// receiptOf is the kind that receipts of a kind are stored under.
func receiptOf(kind string) string { return "receipt-" + kind }

// sign fills a receipt, signs it and stores its bytes in the transaction of the
// object it is for: what goes out was durable first, and never changes. The bytes
// may go out once that transaction is durable. Index is the leaf of that object.
func (d *Desk) sign(tx *store.Tx, s standing, r receipt.Receipt) ([]byte, error) {
	r.Case, r.Command, r.Terminal = s.ID, s.Command, s.Terminal
	return d.receipted(tx, r)
}

// receipted is sign where no case has to be there.
func (d *Desk) receipted(tx *store.Tx, r receipt.Receipt) ([]byte, error) {
	r.Received, r.V = d.now(), 1
	e, err := envelope.Seal(envelope.Type(receipt.Kind), r, d.Receipts)
	if err != nil {
		return nil, err
	}
	k := store.Key{Case: r.Case, Kind: receiptOf(string(r.Kind)), N: r.N}
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

// signedFor reads back the receipt for an answer or a tombstone that is kept, and the
// object's leaf.
func (d *Desk) signedFor(k store.Key) (signed []byte, leaf int64, err error) {
	o, err := d.kept(k)
	if err != nil {
		return nil, 0, err
	}
	signed, err = d.stored(store.Key{Case: k.Case, Kind: receiptOf(k.Kind), N: k.N})
	if errors.Is(err, ErrAbsent) {
		signed, err = d.signLate(k, o)
	}
	return signed, o.Leaf, err
}

// signLate signs for what was kept by a desk that gave no receipts for answers and
// tombstones yet: the terminal may never have heard that it came.
func (d *Desk) signLate(k store.Key, o store.Object) (signed []byte, err error) {
	err = d.commit(k.Kind, func(tx *store.Tx) error {
		had, err := tx.Object(store.Key{Case: k.Case, Kind: receiptOf(k.Kind), N: k.N})
		if err == nil { // another was quicker
			signed = had.Body
			return nil
		}
		if !errors.Is(err, store.ErrAbsent) {
			return err
		}
		due, err := lateReceipt(tx, k, o)
		if err == nil {
			signed, err = d.receipted(tx, due)
		}
		return err
	})
	return signed, err
}

// signOwed signs late for each answer and tombstone of a case that is to be exported: the
// terminal of a case that is over never comes again, and without them the case verifies
// nowhere. Where that cannot be done it is told, and the case is handed out as it is.
func (d *Desk) signOwed(id envelope.ID) {
	if d.Receipts == nil {
		return
	}
	var owed []store.Key
	err := d.look(func(tx *store.Tx) (err error) { owed, err = owedTo(tx, id); return err })
	for _, k := range owed {
		_, _, signErr := d.signedFor(k)
		err = errors.Join(err, signErr)
	}
	if err != nil {
		d.trouble("a case is exported without the receipts that it is owed", err)
	}
}

// owedTo lists the answers and tombstones of a case that nobody signed for.
func owedTo(tx *store.Tx, id envelope.ID) (owed []store.Key, err error) {
	for _, kind := range []string{grounds.KindAnswer, grounds.KindTombstone} {
		err := tx.Objects(id, kind, func(o store.Object) error {
			_, err := tx.Object(store.Key{Case: id, Kind: receiptOf(kind), N: o.N})
			if errors.Is(err, store.ErrAbsent) {
				owed, err = append(owed, store.Key{Case: id, Kind: kind, N: o.N}), nil
			}
			return err
		})
		if err != nil {
			return owed, err
		}
	}
	return owed, nil
}

func lateReceipt(tx *store.Tx, k store.Key, o store.Object) (receipt.Receipt, error) {
	if k.Kind == grounds.KindAnswer {
		a, err := parse[command.Answer](o.Body)
		return receiptFor(k, o, a), err
	}
	var r reveal
	if err := envelope.Decode(o.Body, &r); err != nil {
		return receipt.Receipt{}, err
	}
	c, err := tx.Case(k.Case)
	return buriedAs(k, o, c, r.R), err
}

// stored reads an object's bytes back after its commit.
func (d *Desk) stored(k store.Key) ([]byte, error) {
	o, err := d.kept(k)
	return o.Body, err
}

func (d *Desk) kept(k store.Key) (o store.Object, err error) {
	err = d.look(func(tx *store.Tx) error {
		var err error
		o, err = tx.Object(k)
		return err
	})
	return o, absent(err, k.Kind, "the "+k.Kind)
}
