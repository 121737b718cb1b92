package desk

import (
	"errors"
	"fmt"

	"unbindd/agent/command"
	"unbindd/agent/manifest"
	"unbindd/cmd/unbind-desk/internal/grounds"
	"unbindd/cmd/unbind-desk/internal/store"
)

// Wanted lists the manifests of open cases that have a receipt, or need none by
// the command's gate, and have no ticket yet. What a sealed file on a courier
// medium is good for is a person's to decide, and so is not in the list. It reads
// the queue alone, however many cases there are; what has no place in it any more,
// because its case ended without a ticket, is taken out on the way. That is no part of
// the answer: what cannot be taken out now is met again by the next who asks. A row that
// does not decode is told and passed over, and keeps nobody else from a ticket.
func (d *Desk) Wanted() (wanted []store.Wanted, err error) {
	var over []store.Wanted
	err = d.look(func(tx *store.Tx) error {
		wanted, over = []store.Wanted{}, nil
		return tx.Wanted(func(w store.Wanted) error {
			due, err := d.stillWanted(tx, w)
			switch {
			case store.Spoilt(err):
				d.passOver(fmt.Sprintf("a manifest that waits for its ticket was passed over: case %q, number %d", w.Case, w.N), err)
			case err != nil:
				return err
			case due:
				wanted = append(wanted, w)
			case len(over) < mostOver:
				over = append(over, w)
			}
			return nil
		})
	})
	if err != nil || len(over) == 0 {
		return wanted, err
	}
	d.sweptQueue(d.change(func(tx *store.Tx) error {
		for _, w := range over {
			if err := tx.RemoveWanted(w); err != nil {
				return err
			}
		}
		return nil
	}))
	return wanted, nil
}

// passOver tells of a row that does not decode, once: who asks for it asks again and again.
func (d *Desk) passOver(what string, why error) {
	if _, told := d.passed.LoadOrStore(what, true); !told {
		d.trouble(what, why)
	}
}

// sweptQueue tells why the queue could not be cleaned when it begins, becomes another
// thing and ends: the signer asks every few seconds.
func (d *Desk) sweptQueue(err error) {
	now := ""
	if err != nil {
		now = err.Error()
	}
	was, _ := d.unswept.Swap(now).(string)
	switch {
	case was == now:
	case err != nil:
		d.trouble("what is over was not taken out of the queue of tickets", err)
	default:
		d.trouble("what is over was taken out of the queue of tickets again", nil)
	}
}

// mostOver is how many rows are taken out of the queue at once.
const mostOver = 1024

// stillWanted says whether a row of the queue is due. One that is not never will be
// again: a ticket stays, and a case that is over does not open any more.
func (d *Desk) stillWanted(tx *store.Tx, w store.Wanted) (bool, error) {
	c, err := tx.Case(w.Case)
	if err != nil || !open(c.State) {
		return false, err
	}
	o, err := tx.Object(store.Key{Case: w.Case, Kind: manifest.Kind, N: w.N})
	if err != nil {
		return false, err
	}
	return d.ticketDue(tx, c, o)
}

// queue puts the n-th manifest of a case into the queue once its ticket is due; it is
// asked in every transaction that can make it so.
func (d *Desk) queue(tx *store.Tx, c store.Case, n int64) error {
	o, err := tx.Object(store.Key{Case: c.ID, Kind: manifest.Kind, N: n})
	if err != nil {
		return err
	}
	due, err := d.ticketDue(tx, c, o)
	if err != nil || !due {
		return err
	}
	return tx.PutWanted(store.Wanted{Case: c.ID, N: n})
}

// queueOlder does it once, under a name, for the cases of an older desk, which had no
// queue.
func (d *Desk) queueOlder(name string) error {
	return d.Store.SweepCases(name, func(tx *store.Tx, c store.Case) error {
		if !open(c.State) {
			return nil
		}
		return tx.Objects(c.ID, manifest.Kind, func(o store.Object) error {
			err := d.queue(tx, c, o.N)
			if store.Spoilt(err) {
				return tx.PassOver(name, fmt.Sprintf("manifest %d of case %q", o.N, c.ID), err, d.passedOver)
			}
			return err
		})
	}, d.passedOver)
}

func (d *Desk) ticketDue(tx *store.Tx, c store.Case, o store.Object) (bool, error) {
	if _, err := tx.Object(store.Key{Case: c.ID, Kind: "ticket", N: o.N}); !errors.Is(err, store.ErrAbsent) {
		return false, err
	}
	m, err := parse[manifest.Manifest](o.Body)
	if err != nil || len(m.Reader.RC) == 0 || len(m.Scope) == 0 {
		return false, err
	}
	_, err = tx.Object(store.Key{Case: c.ID, Kind: receiptOf(grounds.KindBackup), N: o.N})
	if !errors.Is(err, store.ErrAbsent) {
		return err == nil, err
	}
	order, err := parse[command.Command](c.Draft)
	return order.Backup.Gate == command.GateNone, err
}
