package desk

import (
	"errors"

	"unbindd/agent/envelope"
	"unbindd/agent/merkle"
	"unbindd/cmd/unbind-desk/internal/store"
)

// checkpoint signs the log as it stood after size leaves. The same size always
// gives the same bytes, for leaves never change and Ed25519 draws no lots: there
// is nothing to keep, and who remembers the last one saves a signature.
func (d *Desk) checkpoint(tx *store.Tx, size int64) ([]byte, error) {
	if text := d.signedAt(size); text != nil {
		return text, nil
	}
	d.signing.Lock() // those who shared a commit come together: one of them signs
	defer d.signing.Unlock()
	if text := d.signedAt(size); text != nil {
		return text, nil
	}
	under := len(d.versions())
	text, err := d.signCheckpoint(tx, size)
	if last := d.signed.Load(); err == nil && (last == nil || last.size < size || last.under != under) {
		d.signed.Store(&signed{size: size, under: under, text: text})
	}
	return text, err
}

// signedAt is the last checkpoint, if it is of that size.
func (d *Desk) signedAt(size int64) []byte {
	if last := d.signed.Load(); last != nil && last.size == size && last.under == len(d.versions()) {
		return last.text
	}
	return nil
}

// signed is a checkpoint that was made before.
type signed struct {
	size  int64
	under int // trust version: the bundle names the log
	text  []byte
}

func (d *Desk) signCheckpoint(tx *store.Tx, size int64) ([]byte, error) {
	root, err := merkle.Root(size, tx.Hashes)
	if err != nil {
		return nil, err
	}
	return merkle.Checkpoint{Origin: string(d.trust().Log.Origin), Size: size, Root: root}.Sign(d.Receipts)
}

// newestCheckpoint is the log as it is now. Only what is durable is signed, or a
// power cut could make the desk sign another tree of the same size; and only what is
// whole: where a leaf cannot be read, the leaves before it are the newest log there is.
func (d *Desk) newestCheckpoint(tx *store.Tx) (size int64, signed []byte, err error) {
	if size, err = tx.Proven(); err == nil {
		signed, err = d.checkpoint(tx, size)
	}
	return size, signed, err
}

// Checkpoint is the newest checkpoint of the log, for everybody.
func (d *Desk) Checkpoint() (signed []byte, err error) {
	err = d.look(func(tx *store.Tx) error {
		_, signed, err = d.newestCheckpoint(tx)
		return err
	})
	return signed, err
}

// Proof is what goes out with a receipt: that its object stands in the log, and for
// who knows an earlier size of it that the log of the same checkpoint continues that.
type Proof struct {
	Inclusion []byte
	Growth    string // one line; "" where nobody asked, or this log never had that size
}

// ProveLeaf proves that a leaf stands in the log, under the newest checkpoint.
func (d *Desk) ProveLeaf(n int64) ([]byte, error) {
	p, err := d.ProveLeafSince(n, 0)
	return p.Inclusion, err
}

// ProveLeafSince is ProveLeaf for who knows the log of since leaves; 0 for who knows none.
func (d *Desk) ProveLeafSince(n, since int64) (p Proof, err error) {
	err = d.look(func(tx *store.Tx) error {
		p, err = d.proveLeaf(tx, n, since)
		return err
	})
	return p, err
}

// proveLeaf says nothing of a size that the log does not have (yet, or any more): the
// signed size beside it says that, and the receipt is as good.
func (d *Desk) proveLeaf(tx *store.Tx, n, since int64) (p Proof, err error) {
	size, signed, err := d.newestCheckpoint(tx)
	if err != nil {
		return p, err
	}
	if n < 0 || n >= size {
		return p, unproven(tx, n, size)
	}
	if p.Inclusion, err = merkle.Prove(n, size, signed, tx.Hashes); err == nil && since > 0 && since <= size {
		p.Growth, err = merkle.GrowthLine(since, size, tx.Hashes)
	}
	return p, err
}

// unproven says why a leaf cannot be proven: there is none of that number, or one before
// it cannot be read.
func unproven(tx *store.Tx, n, size int64) error {
	all, err := tx.Size()
	if err != nil {
		return err
	}
	if n >= 0 && n < all {
		return refuse(ErrAbsent, "E28", "leaf", "cannot prove leaf %d: leaf %d of the log cannot be read, and nothing from it on can be proven", n, size)
	}
	return refuse(ErrAbsent, "E28", "leaf", "cannot prove the leaf: the log has %d", size)
}

// ProveGrowth proves that the log of n leaves continues the one of m.
func (d *Desk) ProveGrowth(m, n int64) (proof []byte, err error) {
	err = d.look(func(tx *store.Tx) error {
		size, err := tx.Proven()
		switch {
		case err != nil:
			return err
		case m < 1 || m > n || n > size:
			return refuse(ErrAbsent, "E28", "leaf", "cannot prove that the log grew from %d to %d: it has %d leaves", m, n, size)
		}
		signed, err := d.checkpoint(tx, n)
		if err == nil {
			proof, err = merkle.ProveGrowth(m, n, signed, tx.Hashes)
		}
		return err
	})
	return proof, err
}

// ProveObject proves that an object of a case stands in the log. It goes to whom
// the object may go.
func (d *Desk) ProveObject(who Caller, id envelope.ID, kind string, n int64) ([]byte, error) {
	p, err := d.ProveObjectSince(who, id, kind, n, 0)
	return p.Inclusion, err
}

// ProveObjectSince is ProveObject for who knows the log of since leaves.
func (d *Desk) ProveObjectSince(who Caller, id envelope.ID, kind string, n, since int64) (p Proof, err error) {
	under, ok := readable[kind]
	if !ok && kind != "backup" && kind != "tombstone" {
		return p, refuse(ErrAbsent, "E28", "kind", "cannot find it: there are no objects of that kind")
	}
	if under == "" {
		under = kind
	}
	err = d.look(func(tx *store.Tx) error {
		if _, err := d.seen(tx, id, who); err != nil {
			return err
		}
		o, err := tx.Object(store.Key{Case: id, Kind: under, N: n})
		if errors.Is(err, store.ErrAbsent) {
			return absent(err, under, "the "+under)
		}
		if err == nil {
			p, err = d.proveLeaf(tx, o.Leaf, since)
		}
		return err
	})
	return p, err
}
