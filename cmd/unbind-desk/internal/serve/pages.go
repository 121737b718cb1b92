package serve

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/store"
)

// pages asks for a page after the other, each from the place that the one before it
// gave, until one gives none.
func pages[T any](ctx context.Context, o *Operator, path string, asked url.Values) ([]T, error) {
	list := []T{}
	for {
		var page struct {
			Cases []T
			Next  string
		}
		if err := o.ask(ctx, http.MethodGet, path+"?"+asked.Encode(), nil, &page); err != nil {
			return nil, err
		}
		if list = append(list, page.Cases...); page.Next == "" {
			return list, nil
		}
		asked.Set("after", page.Next)
	}
}

// Cases lists every case that a query asks for.
func (o *Operator) Cases(ctx context.Context, q desk.Query) ([]desk.Brief, error) {
	return pages[desk.Brief](ctx, o, "/desk/cases", url.Values{"state": {q.State}, "terminal": {q.Terminal}, "after": {q.After}})
}

// Overdue lists the cases that have waited for more than so many hours.
func (o *Operator) Overdue(ctx context.Context, hours int64) ([]desk.Overdue, error) {
	return pages[desk.Overdue](ctx, o, "/desk/overdue/"+strconv.FormatInt(hours, 10), url.Values{})
}

// Alarms lists every alarm, a page after the other.
func (o *Operator) Alarms(ctx context.Context) ([]store.Alarm, error) {
	list := []store.Alarm{}
	for asked := (url.Values{}); ; {
		var page []store.Alarm
		if err := o.ask(ctx, http.MethodGet, "/desk/alarms?"+asked.Encode(), nil, &page); err != nil {
			return nil, err
		}
		if list = append(list, page...); len(page) < desk.CasesPage {
			return list, nil
		}
		last := list[len(list)-1]
		asked = url.Values{"kind": {last.Kind}, "about": {last.About}}
	}
}

// Settle writes a person's word beside an alarm.
func (o *Operator) Settle(ctx context.Context, s desk.Settlement) (a store.Alarm, err error) {
	return a, o.ask(ctx, http.MethodPut, "/desk/alarms", s, &a)
}

// Clock reads what the desk knows of its clock.
func (o *Operator) Clock(ctx context.Context) (w desk.Clock, err error) {
	return w, o.ask(ctx, http.MethodGet, "/desk/clock", nil, &w)
}

// BelieveClock says that the desk's clock, as it was read, is right.
func (o *Operator) BelieveClock(ctx context.Context, read int64) (w desk.Clock, err error) {
	return w, o.ask(ctx, http.MethodPut, "/desk/clock", map[string]int64{"now": read}, &w)
}

// Caps reads the caps in force.
func (o *Operator) Caps(ctx context.Context) (c desk.CapsInForce, err error) {
	return c, o.ask(ctx, http.MethodGet, "/desk/caps", nil, &c)
}

// SetCaps sets them for every desk on the store.
func (o *Operator) SetCaps(ctx context.Context, c desk.Caps) error {
	return o.ask(ctx, http.MethodPut, "/desk/caps", c, &c)
}
