package desk

import (
	"context"
	"time"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/store"
)

// A terminal keeps the newest time that a desk signed as the floor of its own clock, for
// good: a desk whose clock ran ahead for a minute would end the commands of a fleet until
// that time has come. So a desk signs no time that is far from the last one it knows.
const (
	maxLeap   = 7 * 24 * 3600 // seconds ahead of the last time known, in which a desk may have been off
	maxBehind = 3600          // seconds before it, by which a clock may be set back
	clockKept = 3600          // seconds after which the time is written down anew
)

// Clock is what a desk knows of its own clock.
type Clock struct {
	Now  int64 `json:"now"`  // Unix seconds, by the machine's clock
	Seen int64 `json:"seen"` // the newest time that was signed or kept; 0 for none
	Sure bool  `json:"sure"` // the time is signed for terminals
}

func (d *Desk) clockAt(seen int64) Clock {
	w := Clock{Now: d.now(), Seen: seen}
	w.Sure = seen == 0 || w.Now <= seen+maxLeap && w.Now >= seen-maxBehind
	return w
}

// ClockNow tells whether the desk is sure of its clock.
func (d *Desk) ClockNow() (w Clock, err error) {
	err = d.look(func(tx *store.Tx) error {
		c, err := tx.Clock()
		w = d.clockAt(c.Seen)
		return err
	})
	return w, err
}

// BelieveClock takes the machine's clock for right, on the word of a person who read it:
// a clock that went on to another time meanwhile is not what was meant.
func (d *Desk) BelieveClock(read int64) (w Clock, err error) {
	err = d.commit("clock", func(tx *store.Tx) error {
		if w = d.clockAt(0); max(w.Now-read, read-w.Now) > maxBehind {
			return refuse(ErrConflict, "E33", "read", "cannot believe the clock: it says %s, and %s was read", said(w.Now), said(read))
		}
		w.Seen = w.Now
		return tx.PutClock(store.Clock{Seen: w.Seen})
	})
	return w, err
}

// KeepClock writes the time down now and then, so that a desk that nobody asks for it
// does not find its own clock far ahead one day.
func (d *Desk) KeepClock(ctx context.Context) {
	every := time.NewTicker(clockKept * time.Second)
	defer every.Stop()
	var before error
	for {
		_, err := d.sureNow()
		if (err == nil) != (before == nil) && d.Trouble != nil {
			d.Trouble("the desk's clock", err)
		}
		before = err
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
	}
}

// sureNow is the time that the desk may sign, and keeps it where the last one kept is old.
func (d *Desk) sureNow() (int64, error) {
	w, err := d.ClockNow()
	if err != nil {
		return 0, err
	}
	if !w.Sure {
		return 0, refuse(ErrUnsure, "E33", "clock", "cannot tell the time: the desk's clock says %s, and the last time that it knows of is %s", said(w.Now), said(w.Seen))
	}
	if w.Seen == 0 || w.Now >= w.Seen+clockKept {
		err = d.commit("clock", func(tx *store.Tx) error {
			c, err := tx.Clock()
			if err != nil || c.Seen >= w.Now {
				return err
			}
			return tx.PutClock(store.Clock{Seen: w.Now})
		})
	}
	return w.Now, err
}

func said(at int64) string { return time.Unix(at, 0).UTC().Format(time.RFC3339) }

// Question is what a terminal asks the time with: its own nonce.
type Question struct {
	Nonce envelope.ID `json:"nonce"`
	V     int         `json:"v"`
}

// moment is the signed time; the nonce makes an old answer worthless.
type moment struct {
	Nonce envelope.ID `json:"nonce"`
	Time  int64       `json:"time"` // Unix seconds
	V     int         `json:"v"`
}

// Time answers with the time, signed by role receipt; E33:clock where the desk is not
// sure of its own.
func (d *Desk) Time(body []byte) ([]byte, error) {
	var q Question
	if err := envelope.Decode(body, &q); err != nil {
		return nil, as(ErrMalformed, err)
	}
	if q.V != 1 || q.Nonce == "" {
		return nil, refuse(ErrMalformed, "E07", "v", "cannot tell the time: the question has no nonce or another version")
	}
	now, err := d.sureNow()
	if err != nil {
		return nil, err
	}
	e, err := envelope.Seal(envelope.Type("time"), moment{Nonce: q.Nonce, Time: now, V: 1}, d.Receipts)
	if err != nil {
		return nil, err
	}
	return e.Encode(), nil
}
