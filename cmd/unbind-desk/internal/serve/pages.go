package serve

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/store"
)

// pages asks for a page after the other until one is not full; next says how the
// page after an entry is asked for.
func pages[T any](ctx context.Context, o *Operator, path string, first url.Values, next func(T) url.Values) ([]T, error) {
	list := []T{}
	for asked := first; ; {
		var page []T
		if err := o.ask(ctx, http.MethodGet, path+"?"+asked.Encode(), nil, &page); err != nil {
			return nil, err
		}
		if list = append(list, page...); len(page) < desk.CasesPage {
			return list, nil
		}
		asked = next(list[len(list)-1])
	}
}

// Cases lists every case that a query asks for.
func (o *Operator) Cases(ctx context.Context, q desk.Query) ([]desk.Brief, error) {
	asked := func(after, since string) url.Values {
		return url.Values{"state": {q.State}, "terminal": {q.Terminal}, "after": {after}, "since": {since}}
	}
	return pages(ctx, o, "/desk/cases", asked(q.After, ""), func(b desk.Brief) url.Values {
		return asked(string(b.Case), strconv.FormatInt(b.Since, 10))
	})
}

// Overdue lists the cases that have waited for more than so many hours.
func (o *Operator) Overdue(ctx context.Context, hours int64) ([]desk.Overdue, error) {
	return pages(ctx, o, "/desk/overdue/"+strconv.FormatInt(hours, 10), nil, func(b desk.Overdue) url.Values {
		return url.Values{"state": {b.State}, "after": {string(b.Case)}, "since": {strconv.FormatInt(b.Since, 10)}}
	})
}

// Alarms lists every alarm.
func (o *Operator) Alarms(ctx context.Context) ([]store.Alarm, error) {
	return pages(ctx, o, "/desk/alarms", nil, func(a store.Alarm) url.Values {
		return url.Values{"kind": {a.Kind}, "about": {a.About}}
	})
}

// Caps reads the caps in force.
func (o *Operator) Caps(ctx context.Context) (c desk.Caps, err error) {
	return c, o.ask(ctx, http.MethodGet, "/desk/caps", nil, &c)
}

// SetCaps sets them for every desk on the store.
func (o *Operator) SetCaps(ctx context.Context, c desk.Caps) error {
	return o.ask(ctx, http.MethodPut, "/desk/caps", c, &c)
}
