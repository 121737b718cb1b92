package desk

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/store"
)

// Announcement is what a partner is told when a case moves on.
type Announcement struct {
	At       int64       `json:"at"` // Unix seconds
	Case     envelope.ID `json:"case"`
	State    State       `json:"state"`
	Terminal envelope.ID `json:"terminal"`
	V        int         `json:"v"`
}

// told are the states that partners hear of.
var told = []State{Accepted, Erased, Acknowledged}

// announce queues a message for each partner in the transaction that moves the
// case: what happened is told, and what did not is not, whatever power cut comes.
func (d *Desk) announce(tx *store.Tx, c store.Case) error {
	if len(d.Partners) == 0 || !slices.Contains(told, c.State) {
		return nil
	}
	body, err := json.Marshal(Announcement{At: d.now(), Case: c.ID, State: c.State, Terminal: c.Terminal, V: 1})
	for _, partner := range d.Partners {
		err = errors.Join(err, tx.AddHook(store.Hook{Partner: partner, Body: body, Made: d.now(), Next: d.now()}))
	}
	return err
}

// DueHook claims the message of a partner that has been due for longest: for lease seconds
// no other desk will send it. ok is false when none is.
func (d *Desk) DueHook(partner string, lease int64) (due store.Hook, ok bool, err error) {
	find := func(tx *store.Tx) error {
		ok = false
		h, err := tx.FirstHook(partner, func(n int64, why error) {
			d.passOver(fmt.Sprintf("a message was passed over: number %d of partner %q", n, partner), why)
		})
		if errors.Is(err, store.ErrAbsent) {
			return nil
		}
		due, ok = h, err == nil && d.due(h, lease)
		return err
	}
	// Nearly always nothing is due, and a change costs a commit.
	stale := false
	err = d.look(func(tx *store.Tx) (err error) {
		if stale, err = tx.StaleHooks(partner); err != nil {
			return err
		}
		return find(tx)
	})
	if err != nil || !ok && !stale {
		return due, false, err
	}
	err = d.change(func(tx *store.Tx) error {
		if stale {
			if err := tx.DropStaleHooks(partner); err != nil {
				return err
			}
		}
		if err := find(tx); err != nil || !ok {
			return err
		}
		due.Attempts++
		due.Next = d.now() + lease
		return tx.PutHook(due)
	})
	return due, ok, err
}

// hookPause is the longest that a message is put off, in seconds.
const hookPause = 60 * 60

// due says that a message may be sent. One that is put off for longer than messages are
// was put off by a clock that has been set back since.
func (d *Desk) due(h store.Hook, lease int64) bool {
	return h.Next <= d.now() || h.Next > d.now()+hookPause+lease
}

// HookDone takes a delivered message off the queue.
func (d *Desk) HookDone(h store.Hook) error {
	return d.claimed(h, func(tx *store.Tx) error { return tx.RemoveHook(h) })
}

// HookFailed puts a message off for a while; it is never given up.
func (d *Desk) HookFailed(h store.Hook, wait int64) error {
	return d.claimed(h, func(tx *store.Tx) error {
		h.Next = d.now() + min(wait, hookPause)
		return tx.PutHook(h)
	})
}

// claimed changes a message while the claim on it holds. One that was delivered
// since, or claimed anew, is left as it is.
func (d *Desk) claimed(h store.Hook, f func(*store.Tx) error) error {
	return d.change(func(tx *store.Tx) error {
		now, err := tx.Hook(h.Partner, h.N)
		if errors.Is(err, store.ErrAbsent) {
			return nil
		}
		if err != nil || now.Attempts != h.Attempts {
			return err
		}
		return f(tx)
	})
}
