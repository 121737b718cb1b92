package agent

import (
	"context"
	"fmt"
	"strings"

	"unbindd/agent/ledger"
	"unbindd/device"
)

// lateRun is events in a row, of one code, that came after the line was crossed.
type lateRun struct {
	First uint32 `json:"first"`
	Last  uint32 `json:"last"`
	Code  uint16 `json:"code"`
}

const noteLate = "late-events" // []lateRun

// late takes the events that came after the line was crossed: a battery or a
// tamper sensor does not stop for a freeze. They are not in the backup, so the
// certificate names them; a transaction among them is never let go. They are
// let go group by group, noted first: a reader sends no more than its window.
func (e *readerErase) late(ctx context.Context) error {
	m, _, err := e.a.manifestNow()
	if err != nil {
		return err
	}
	var runs []lateRun
	if _, err := e.a.journal.Get(noteLate, &runs); err != nil {
		return err
	}
	last := uint32(m.EvSeq)
	if len(runs) > 0 {
		last = runs[len(runs)-1].Last
	}
	backlog, err := e.a.line().Follow(ctx, last)
	if err != nil {
		return err
	}
	if backlog.Lost > 0 { // nobody can say that no transaction was among them
		return device.ErrRefused{Code: device.CodeEventsHeld}
	}
	for last < backlog.Last {
		events, err := e.a.line().Next(ctx, group)
		if err != nil {
			return err
		}
		for _, ev := range events {
			if !harmless(ev) {
				return device.ErrRefused{Code: device.CodeEventsHeld}
			}
			runs, last = addLate(runs, ev), ev.Seq
		}
		if err := e.a.journal.Save(noteLate, runs); err != nil {
			return err
		}
		if err := e.a.line().Acknowledge(ctx, last); err != nil {
			return err
		}
	}
	return e.a.line().Acknowledge(ctx, last) // a power cut may have undone one
}

// harmless says whether an event is one that a sensor makes, by its code and by
// its record; what cannot be read is none.
func harmless(ev device.Event) bool {
	record, err := ledger.ParseRecord(ev.Body)
	return err == nil && record.IsEvent() && record.Kind != "batch-close" &&
		ev.Code != device.EventTransaction && ev.Code != device.EventBatchClose
}

// mostRuns bounds the list: what comes then is told with the last run, as mixed.
const mostRuns = 32

func addLate(runs []lateRun, ev device.Event) []lateRun {
	if n := len(runs) - 1; n >= 0 && runs[n].Code == ev.Code && runs[n].Last+1 == ev.Seq {
		runs[n].Last = ev.Seq
		return runs
	}
	if n := len(runs) - 1; n+1 >= mostRuns {
		runs[n].Last, runs[n].Code = ev.Seq, 0
		return runs
	}
	return append(runs, lateRun{First: ev.Seq, Last: ev.Seq, Code: ev.Code})
}

// lateNames is what the certificate says of them; "" if none came.
func (e *readerErase) lateNames() (string, error) {
	var runs []lateRun
	if _, err := e.a.journal.Get(noteLate, &runs); err != nil || len(runs) == 0 {
		return "", err
	}
	var names []string
	for _, r := range runs {
		name := fmt.Sprintf("%d/%d", r.First, r.Code)
		if r.Last > r.First {
			name = fmt.Sprintf("%d-%d/%d", r.First, r.Last, r.Code)
		}
		names = append(names, name)
	}
	return "events after the backup (number/code): " + strings.Join(names, " "), nil
}
