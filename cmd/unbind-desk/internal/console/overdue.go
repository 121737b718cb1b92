package console

import (
	"net/http"
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
}

type overduePage struct {
	Hours      int64
	Rows       []overdueRow
	More       bool // there are others
	Alarms     []alarmRow
	MoreAlarms bool
}

func (c *Console) overdue(w http.ResponseWriter, r *http.Request, v *visit) error {
	out := overduePage{Hours: usualHours}
	if text := r.URL.Query().Get("hours"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return refusal(desk.ErrMalformed, "E02", "hours", "cannot list overdue cases: the hours are no number")
		}
		out.Hours = n
	}
	late, more, err := c.Desk.OverdueScreen(out.Hours, screenful)
	if err != nil {
		return err
	}
	alarms, moreAlarms, err := c.Desk.AlarmsScreen(4 * screenful)
	if err != nil {
		return err
	}
	out.More, out.MoreAlarms = more, moreAlarms
	for _, o := range late {
		out.Rows = append(out.Rows, overdueRow{caseRow{o.Brief, statusOf(o.State), momentOf(o.Since)}, o.Hours})
	}
	for _, a := range alarms {
		out.Alarms = append(out.Alarms, alarmRow{a, v.told(a.What), momentOf(a.First), momentOf(a.Last)})
	}
	p := v.page(r, "overdue.title", "overdue")
	p.Inside = out
	return c.show(w, http.StatusOK, "overdue", p)
}
