package console

import (
	"net/http"
	"net/url"
	"slices"

	"unbindd/cmd/unbind-desk/internal/desk"
)

// caseRow is a case on one line.
type caseRow struct {
	desk.Brief
	Status status
	Since  moment
}

// caseList is a page of cases with what they were looked for by.
type caseList struct {
	Query  desk.Query
	States []desk.State
	Rows   []caseRow
	Next   string // the path of the next page
}

func (c *Console) cases(w http.ResponseWriter, r *http.Request, v *visit) error {
	q := r.URL.Query()
	by := desk.Query{State: q.Get("state"), Terminal: q.Get("terminal"), After: q.Get("after")}
	// A number of a case is what people have at hand: it leads there at once.
	if id := q.Get("case"); id != "" {
		if _, err := c.Desk.VersionOf(id); err != nil {
			return err
		}
		return turn(w, r, "/cases/"+url.PathEscape(id))
	}
	found, err := c.Desk.Cases(by, screenful)
	if err != nil {
		return err
	}
	list := caseList{Query: by, States: desk.States, Rows: []caseRow{}}
	for _, b := range found.Cases {
		list.Rows = append(list.Rows, caseRow{b, statusOf(b.State), momentOf(b.Since)})
	}
	if found.Next != "" {
		list.Next = "/cases?" + url.Values{"state": {by.State}, "terminal": {by.Terminal}, "after": {found.Next}}.Encode()
	}
	p := v.page(r, "cases.title", "cases")
	p.Inside = list
	return c.show(w, http.StatusOK, "cases", p)
}

// status is how a state is marked: by a word, a sign and a colour, never by the
// colour alone.
type status struct{ Class, Sign string }

func statusOf(s desk.State) status {
	switch s {
	case desk.Gone, desk.Acknowledged:
		return status{"good", "✓"}
	case desk.Refused, desk.Cancelled, desk.Undone:
		return status{"ended", "–"}
	case desk.Closed:
		return status{"watch", "!"}
	case desk.Drafted:
		return status{"waits", "○"}
	}
	return status{"moves", "→"}
}

// wholeCase is what the page of one case shows.
type wholeCase struct {
	desk.Whole
	Status  status
	Since   moment
	Steps   []step
	Lines   []line
	Objects []object
	Events  string // the path of its events
	Signing bool   // it waits for signatures
}

// step is one state on the way of a case.
type step struct {
	State desk.State
	Phase string // done, now, ahead, passed: the way a step stands
	At    *moment
}

type line struct {
	At    moment
	State desk.State
	What  sentence
}

type object struct {
	desk.Held
	Received moment
}

func (c *Console) oneCase(w http.ResponseWriter, r *http.Request, v *visit) error {
	p, _, err := c.casePage(r, v)
	if err != nil {
		return err
	}
	return c.show(w, http.StatusOK, "case", p)
}

func (c *Console) casePage(r *http.Request, v *visit) (page, int64, error) {
	whole, err := c.Desk.Inspect(r.PathValue("case"))
	if err != nil {
		return page{}, 0, err
	}
	p := v.page(r, "case.title", "cases")
	p.Name = string(whole.Case)
	p.Inside = v.wholeCase(whole)
	return p, whole.Version, nil
}

func (s speech) wholeCase(whole desk.Whole) wholeCase {
	out := wholeCase{
		Whole: whole, Status: statusOf(whole.State), Since: momentOf(whole.Since), Steps: stepsOf(whole), Signing: whole.State == desk.Drafted,
		Events: "/cases/" + url.PathEscape(string(whole.Case)) + "/live",
	}
	for _, e := range whole.History {
		out.Lines = append(out.Lines, line{momentOf(e.At), e.State, s.told(e.What)})
	}
	for _, o := range whole.Objects {
		out.Objects = append(out.Objects, object{o, momentOf(o.Received)})
	}
	return out
}

// way is how a case goes when nothing comes in between.
var way = []desk.State{desk.Drafted, desk.Issued, desk.Accepted, desk.BackedUp, desk.Erased, desk.Acknowledged, desk.Gone}

// stepsOf tells how far a case has got: a state that it never showed was passed
// over where a later one was reached, and a state off the way ends it.
func stepsOf(whole desk.Whole) []step {
	first := map[desk.State]*moment{}
	for _, e := range whole.History {
		if first[e.State] == nil {
			at := momentOf(e.At)
			first[e.State] = &at
		}
	}
	now, reached := slices.Index(way, whole.State), 0
	for i, state := range way {
		if first[state] != nil {
			reached = i
		}
	}
	var out []step
	for i, state := range way {
		s := step{State: state, At: first[state], Phase: "ahead"}
		switch {
		case i == now && state != desk.Gone:
			s.Phase = "now"
		case s.At != nil || i == now:
			s.Phase = "done"
		case i < reached:
			s.Phase = "passed"
		case now < 0:
			continue // it will not come there any more
		}
		out = append(out, s)
	}
	if now < 0 {
		out = append(out, step{State: whole.State, Phase: "now", At: first[whole.State]})
	}
	return out
}
