package desk

import (
	"errors"
	"slices"
	"strings"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/store"
)

// Overdue is a case in which nothing has moved for too long.
type Overdue struct {
	Brief
	What  string `json:"what"`
	Hours int64  `json:"hours"` // since it came into its state
}

// wait says what a state waits for. A case that was closed by order waits for nothing: the
// order is the last that the desk can do, and whoever signed it gave the terminal up.
type wait struct {
	state State
	what  string
}

var waits = []wait{
	{Issued, "issued, and nothing heard of the terminal"},
	{Accepted, "accepted, and no backup has come"},
	{BackedUp, "backup receipted, and not erased"},
	{Erased, "erased, and no complete certificate acknowledged"},
	{Acknowledged, "acknowledged, and the last key not reported destroyed"},
}

// Late is one page of overdue cases; Next is where the next one begins, "" on the last.
type Late struct {
	Cases []Overdue `json:"cases"`
	Next  string    `json:"next,omitempty"`
}

// Overdue lists a page of the cases that have waited for more than so many hours,
// by what they wait for, the oldest first, after the place that the last page gave:
// a state and the place in its list.
func (d *Desk) Overdue(hours int64, after string) (Late, error) {
	var out Late
	if hours < 0 || hours > maxHours {
		return out, refuse(ErrMalformed, "E02", "hours", "cannot list overdue cases: the hours are out of range")
	}
	state, place, _ := strings.Cut(after, ":")
	begin := slices.IndexFunc(waits, func(w wait) bool { return w.state == state })
	switch {
	case after == "":
		begin = 0
	case begin < 0:
		return out, misplaced(store.ErrPlace)
	}
	err := d.look(func(tx *store.Tx) error {
		out = Late{Cases: []Overdue{}}
		from := place
		for _, w := range waits[begin:] {
			page, err := tx.CasesBy(store.By{State: w.state}, from, CasesPage-len(out.Cases))
			if err != nil {
				return misplaced(err)
			}
			for _, c := range page {
				if c.Since >= d.now()-hours*3600 {
					break
				}
				out.Cases = append(out.Cases, Overdue{Brief: found(c), What: w.what, Hours: (d.now() - c.Since) / 3600})
				out.Next = w.state + ":" + c.Place
			}
			from = ""
		}
		if len(out.Cases) < CasesPage {
			out.Next = ""
		}
		return nil
	})
	return out, err
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
	return a.Quiet || d.again(a), err
}

// again says that an alarm is due to be counted again, also where a clock that has been
// set back since wrote it down.
func (d *Desk) again(a store.Alarm) bool {
	return d.now()-a.Last >= alarmPause || a.Last > d.now()
}

// raise writes an alarm down, or counts one that is up.
func (d *Desk) raise(tx *store.Tx, kind, about, what string) error {
	a, err := tx.Alarm(kind, about)
	if errors.Is(err, store.ErrAbsent) {
		a, err = store.Alarm{Kind: kind, About: about, First: d.now()}, nil
	}
	if err != nil || (a.What == what && !a.Quiet && !d.again(a)) {
		return err
	}
	a.What, a.Last, a.Quiet = what, d.now(), false
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
func (d *Desk) haunted(id, unbound envelope.ID) error {
	return d.change(func(tx *store.Tx) error {
		if unheard, err := d.unheard(tx, Zombie, string(id)); err != nil || !unheard {
			return err
		}
		return d.raise(tx, Zombie, string(id), "it was unbound in case "+string(unbound)+" and asks again with the key it reported destroyed")
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
