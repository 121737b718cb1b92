package desk

import (
	"errors"
	"slices"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/store"
)

// lateCase is the kind of an alarm: a case in which nothing has moved for too long.
const lateCase = "overdue"

// watchMost is how many alarms one look raises, or takes back, at most.
const watchMost = 256

// Watch raises an alarm for each case that has waited for more than so many hours, once
// for what it waits for, and takes back those of cases that have moved on. It returns what
// it raised: of several desks on one store one does, and each alarm is raised by one.
func (d *Desk) Watch(hours int64) (raised []store.Alarm, err error) {
	var over []store.Alarm
	find := func(tx *store.Tx) (err error) {
		raised, over = nil, nil
		for _, w := range waits {
			if err == nil {
				raised, err = d.lateIn(tx, w, hours, raised)
			}
		}
		if err == nil {
			over, err = d.movedOn(tx)
		}
		return err
	}
	if err := d.look(find); err != nil || len(raised)+len(over) == 0 { // a change costs a commit
		return nil, err
	}
	err = d.change(func(tx *store.Tx) error {
		err := find(tx)
		for _, a := range over {
			err = errors.Join(err, tx.RemoveAlarm(a))
		}
		for _, a := range raised {
			err = errors.Join(err, tx.PutAlarm(a))
		}
		return err
	})
	return raised, err
}

// lateIn adds the cases of one state that are overdue, and for which no alarm is up.
func (d *Desk) lateIn(tx *store.Tx, w wait, hours int64, raised []store.Alarm) ([]store.Alarm, error) {
	for from := ""; ; {
		page, err := tx.CasesBy(store.By{State: w.state}, from, CasesPage)
		if err != nil {
			return nil, err
		}
		for _, c := range page {
			if c.Since >= d.now()-hours*3600 || len(raised) >= watchMost {
				return raised, nil
			}
			from = c.Place
			had, err := tx.Alarm(lateCase, string(c.ID))
			if err != nil && !errors.Is(err, store.ErrAbsent) {
				return nil, err
			}
			if had.What == w.what {
				continue
			}
			a := store.Alarm{Kind: lateCase, About: string(c.ID), What: w.what, First: d.now(), Last: d.now(), Count: had.Count + 1}
			raised = append(raised, a)
		}
		if len(page) < CasesPage {
			return raised, nil
		}
	}
}

// movedOn are the alarms of cases that do not wait any more for what the alarm says.
func (d *Desk) movedOn(tx *store.Tx) (over []store.Alarm, err error) {
	for about := ""; ; {
		page, err := tx.Alarms(lateCase, about, CasesPage)
		if err != nil {
			return nil, err
		}
		for _, a := range page {
			if a.Kind != lateCase || len(over) >= watchMost {
				return over, nil
			}
			about = a.About
			c, err := tx.CaseState(envelope.ID(a.About))
			if err != nil && !store.Spoilt(err) {
				return nil, err
			}
			if !slices.Contains(waits, wait{c.State, a.What}) && err == nil {
				over = append(over, a)
			}
		}
		if len(page) < CasesPage {
			return over, nil
		}
	}
}
