package desk

import (
	"errors"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/store"
)

// Overdue is a case in which nothing has moved for too long.
type Overdue struct {
	Brief
	What  string `json:"what"`
	Hours int64  `json:"hours"` // since it came into its state
}

// waits says what a state waits for.
var waits = []struct {
	state State
	what  string
}{
	{Issued, "issued, and nothing heard of the terminal"},
	{Accepted, "accepted, and no backup has come"},
	{BackedUp, "backup receipted, and not erased"},
	{Erased, "erased, and no complete certificate acknowledged"},
	{Acknowledged, "acknowledged, and the last key not reported destroyed"},
	{Closed, "closed by order, and the last key not reported destroyed"},
}

// Overdue lists a page of the cases that have waited for more than so many hours,
// by what they wait for, the oldest first, after the one that was listed last.
func (d *Desk) Overdue(hours int64, last Query) ([]Overdue, error) {
	var list []Overdue
	if hours < 0 || hours > maxHours {
		return nil, refuse(ErrMalformed, "E02", "hours", "cannot list overdue cases: the hours are out of range")
	}
	if err := last.check(); err != nil {
		return nil, err
	}
	err := d.look(func(tx *store.Tx) error {
		list = []Overdue{}
		begun := last.State == ""
		for _, w := range waits {
			from := Query{State: w.state}
			if w.state == last.State {
				begun, from = true, last
			}
			if !begun || len(list) == CasesPage {
				continue
			}
			page, err := tx.CasesIn(w.state, from.Since, envelope.ID(from.After), CasesPage-len(list))
			if err != nil {
				return err
			}
			for _, c := range page {
				if c.Since >= d.now()-hours*3600 {
					break
				}
				list = append(list, Overdue{Brief: brief(c), What: w.what, Hours: (d.now() - c.Since) / 3600})
			}
		}
		return nil
	})
	return list, err
}

// maxHours is a century; many more would overflow, and list what is not overdue.
const maxHours = 100 * 366 * 24

// Zombie is the kind of an alarm: something that was unbound is there again.
const Zombie = "zombie"

// alarmPause is how many seconds pass before an alarm that is up is counted again:
// who raises it must not be able to make the desk write without end.
const alarmPause = 3600

// unheard says whether an alarm would be written down or counted now.
func (d *Desk) unheard(tx *store.Tx, kind, about string) (bool, error) {
	a, err := tx.Alarm(kind, about)
	if errors.Is(err, store.ErrAbsent) {
		return true, nil
	}
	return d.now()-a.Last >= alarmPause, err
}

// raise writes an alarm down, or counts one that is up.
func (d *Desk) raise(tx *store.Tx, kind, about, what string) error {
	a, err := tx.Alarm(kind, about)
	if errors.Is(err, store.ErrAbsent) {
		a, err = store.Alarm{Kind: kind, About: about, First: d.now()}, nil
	}
	if err != nil || (a.What == what && d.now()-a.Last < alarmPause) {
		return err
	}
	a.What, a.Last = what, d.now()
	a.Count++
	return tx.PutAlarm(a)
}

// Alarms lists a page of the alarms that come after one of a kind.
func (d *Desk) Alarms(kind, about string) (list []store.Alarm, err error) {
	err = d.look(func(tx *store.Tx) (err error) { list, err = tx.Alarms(kind, about, CasesPage); return err })
	return list, err
}

// haunted raises an alarm when a terminal asks for something with the certificate
// of an enrolment whose case has ended for good: its key was reported destroyed.
func (d *Desk) haunted(id envelope.ID) error {
	return d.change(func(tx *store.Tx) error {
		t, err := tx.Terminal(id)
		if err != nil {
			return err
		}
		return d.raise(tx, Zombie, string(id), "it was unbound in case "+string(t.Case)+" and asks again with the key it reported destroyed")
	})
}

// returned raises an alarm when a serial number that was retired is admitted or
// enrols again, under whatever name.
func (d *Desk) returned(tx *store.Tx, serial envelope.ID, as envelope.ID) error {
	id, err := tx.Retired(serial)
	if errors.Is(err, store.ErrAbsent) {
		return nil
	}
	if err != nil {
		return err
	}
	return d.raise(tx, Zombie, string(serial), "this serial number was retired in case "+string(id)+" and shows up again as terminal "+string(as))
}
