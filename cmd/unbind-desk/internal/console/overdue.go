package console

import (
	"net/http"
	"net/url"
	"strconv"

	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/store"
)

// usualHours is after how long a case is looked at where nobody says.
const usualHours = 24

type overdueRow struct {
	caseRow
	Hours int64
}

type alarmRow struct {
	store.Alarm
	What        sentence
	First, Last moment
	Words       []settledRow
}

// settledRow is a person's word on an alarm, as it was typed.
type settledRow struct {
	store.Settled
	At moment
}

type overduePage struct {
	Hours      int64
	Rows       []overdueRow
	Next       string // the path of the next page of cases
	Alarms     []alarmRow
	NextAlarms string // and of the next page of alarms
}

func (c *Console) overdue(w http.ResponseWriter, r *http.Request, v *visit) error {
	q := r.URL.Query()
	hours, err := count(q, "hours", usualHours)
	if err != nil {
		return err
	}
	late, err := c.Desk.Overdue(hours, q.Get("after"))
	if err != nil {
		return err
	}
	alarms, err := c.Desk.Alarms(q.Get("kind"), q.Get("about"))
	if err != nil {
		return err
	}
	out := overduePage{Hours: hours}
	for _, o := range late.Cases {
		out.Rows = append(out.Rows, overdueRow{caseRow{o.Brief, statusOf(o.State), momentOf(o.Since)}, o.Hours})
	}
	for _, a := range alarms {
		row := alarmRow{a, v.told(a.What), momentOf(a.First), momentOf(a.Last), nil}
		for _, s := range a.Settled {
			row.Words = append(row.Words, settledRow{s, momentOf(s.At)})
		}
		out.Alarms = append(out.Alarms, row)
	}
	if late.Next != "" {
		out.Next = onTo(q, map[string]string{"after": late.Next})
	}
	if n := len(alarms); n == desk.CasesPage {
		out.NextAlarms = onTo(q, map[string]string{"kind": alarms[n-1].Kind, "about": alarms[n-1].About})
	}
	p := v.page(r, "overdue.title", "overdue")
	p.Inside = out
	return c.show(w, http.StatusOK, "overdue", p)
}

// onTo leads to the page with other places in its two lists: going on in one of them
// leaves the other where it is.
func onTo(q url.Values, places map[string]string) string {
	next := url.Values{}
	for _, name := range []string{"hours", "after", "kind", "about"} {
		if q.Has(name) {
			next.Set(name, q.Get(name))
		}
	}
	for name, place := range places {
		next.Set(name, place)
	}
	return "/overdue?" + next.Encode()
}

// count reads a number that may be left out.
func count(q url.Values, name string, usual int64) (int64, error) {
	text := q.Get(name)
	if text == "" {
		return usual, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, refusal(desk.ErrMalformed, "E02", name, "cannot list overdue cases: %s is no number", name)
	}
	return n, nil
}
