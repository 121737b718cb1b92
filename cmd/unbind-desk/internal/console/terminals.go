package console

import (
	"net/http"
	"net/url"

	"unbindd/cmd/unbind-desk/internal/desk"
)

type terminalRow struct {
	desk.Known
	Status status
}

type terminalList struct {
	Rows []terminalRow
	Next string
}

func (c *Console) terminals(w http.ResponseWriter, r *http.Request, v *visit) error {
	found, more, err := c.Desk.TerminalsScreen(r.URL.Query().Get("after"), screenful)
	if err != nil {
		return err
	}
	list := terminalList{Rows: []terminalRow{}}
	for _, t := range found {
		list.Rows = append(list.Rows, terminalRow{t, statusOf(t.State)})
	}
	if more {
		list.Next = "/terminals?" + url.Values{"after": {string(found[len(found)-1].Terminal)}}.Encode()
	}
	p := v.page(r, "terminals.title", "terminals")
	p.Inside = list
	return c.show(w, http.StatusOK, "terminals", p)
}
