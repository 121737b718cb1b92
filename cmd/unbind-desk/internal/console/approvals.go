package console

import (
	"net/http"
	"net/url"
	"slices"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/grounds"
)

// signing is a drafted case with how far its signing has got; Problem says why
// that cannot be told.
type signing struct {
	caseRow
	grounds.Approval
	Problem string
}

func (s signing) Complete() bool { return s.Problem == "" && whole(s.Approval) }

func whole(a grounds.Approval) bool { return len(a.Missing) == 0 && a.More == 0 }

type signingList struct {
	Rows []signing
	Next string
}

func (c *Console) approvals(w http.ResponseWriter, r *http.Request, v *visit) error {
	found, err := c.Desk.Cases(desk.Query{State: desk.Drafted, After: r.URL.Query().Get("after")}, screenful)
	if err != nil {
		return err
	}
	list := signingList{Rows: []signing{}}
	for _, b := range found.Cases {
		row := signing{caseRow: caseRow{b, statusOf(b.State), momentOf(b.Since)}}
		d, err := c.Desk.Draft(string(b.Case))
		if code := envelope.CodeOf(err); code != "" {
			row.Problem = code
		} else if err != nil {
			return err
		}
		row.Approval = d.Approval
		list.Rows = append(list.Rows, row)
	}
	if found.Next != "" {
		list.Next = "/approvals?" + url.Values{"after": {found.Next}}.Encode()
	}
	p := v.page(r, "approvals.title", "approvals")
	p.Inside = list
	return c.show(w, http.StatusOK, "approvals", p)
}

// approving is what the page of one draft shows.
type approving struct {
	desk.Collected
	Order    ordered
	Complete bool
	Problem  string // why it cannot be signed or published any more; it can be withdrawn
	File     string // what the draft is called when it is taken away
	Base     string // the path its forms and its file lie under
}

func (c *Console) approval(w http.ResponseWriter, r *http.Request, v *visit) error {
	d, e, wrong, err := c.drafted(r)
	if err != nil {
		return err
	}
	problem := envelope.CodeOf(wrong)
	if wrong != nil && problem == "" {
		return wrong
	}
	order, err := v.orderedBy(e)
	if err != nil {
		return err
	}
	p := v.page(r, "approval.title", "approvals")
	p.Name = string(d.Case)
	p.Inside = approving{d, order, wrong == nil && whole(d.Approval), problem, string(d.Case) + ".json", base(r)}
	return c.show(w, http.StatusOK, "approval", p)
}

func base(r *http.Request) string { return "/approvals/" + url.PathEscape(r.PathValue("case")) }

// drafted reads the draft of the page's case, and what is wrong with its signatures.
func (c *Console) drafted(r *http.Request) (d desk.Collected, e *envelope.Envelope, wrong, err error) {
	d, wrong, err = c.Desk.DraftAsItIs(r.PathValue("case"))
	if err != nil {
		return d, nil, nil, err
	}
	e, err = envelope.Parse(d.Order, envelope.MaxCommand)
	return d, e, wrong, err
}

// draft gives the draft out as a file, to be signed where the keys are.
func (c *Console) draft(w http.ResponseWriter, r *http.Request, _ *visit) error {
	d, err := c.Desk.Draft(r.PathValue("case"))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="`+string(d.Case)+`.json"`)
	_, _ = w.Write(append(d.Order, '\n')) // the browser is gone: it will ask again
	return nil
}

// collect takes a signed file in. It must be for the case whose page was looked
// at; everything else about it the desk judges.
func (c *Console) collect(w http.ResponseWriter, r *http.Request, _ *visit) error {
	at, err := seen(r)
	if err != nil {
		return err
	}
	body, err := handed(r, "signed")
	if err != nil {
		return err
	}
	if err := forCase(body, r.PathValue("case")); err != nil {
		return err
	}
	before, err := c.Desk.Draft(r.PathValue("case"))
	if err != nil {
		return err
	}
	after, err := c.Desk.Collect(body, at)
	if err != nil {
		return err
	}
	c.did("signatures handed in", after.Case)
	done := "collected"
	if after.Version == before.Version {
		done = "known"
	}
	return turn(w, r, base(r)+"?done="+done)
}

// forCase refuses a command for another case; what is no command the desk refuses.
func forCase(body []byte, id string) error {
	var said command.Command
	e, err := envelope.Parse(body, envelope.MaxCommand)
	if err != nil || e.PayloadType != envelope.Type(command.Kind) || envelope.Decode(e.Payload, &said) != nil {
		return nil
	}
	if string(said.Case) != id {
		return refusal(desk.ErrUnfit, "E28", "case", "cannot collect the signatures: the file is for case %s, and the page for case %s", said.Case, id)
	}
	return nil
}

// publish offers a command that everybody has signed to its terminal. Who orders
// it names the terminal once more.
func (c *Console) publish(w http.ResponseWriter, r *http.Request, _ *visit) error {
	at, d, err := c.confirmed(r)
	if err != nil {
		return err
	}
	done, err := c.Desk.Publish(d.Order, at)
	if err != nil {
		return err
	}
	c.did("command published", done.Case)
	return turn(w, r, "/cases/"+url.PathEscape(r.PathValue("case"))+"?done=published")
}

// withdraw ends a case whose command was never published.
func (c *Console) withdraw(w http.ResponseWriter, r *http.Request, _ *visit) error {
	at, _, err := c.confirmed(r)
	if err != nil {
		return err
	}
	done, err := c.Desk.Withdraw(r.PathValue("case"), at)
	if err != nil {
		return err
	}
	c.did("draft withdrawn", done.Case)
	return turn(w, r, "/cases/"+url.PathEscape(r.PathValue("case"))+"?done=withdrawn")
}

// confirmed reads what a form decides on, if the terminal was named in it.
func (c *Console) confirmed(r *http.Request) (int64, desk.Collected, error) {
	at, err := seen(r)
	if err != nil {
		return 0, desk.Collected{}, err
	}
	d, e, _, err := c.drafted(r) // what is wrong with it keeps nobody from ending it
	if err != nil {
		return 0, d, err
	}
	var said command.Command
	if err := envelope.Decode(e.Payload, &said); err != nil {
		return 0, d, err
	}
	if r.PostForm.Get("terminal") != string(said.Terminal) {
		return 0, d, refusal(desk.ErrUnfit, "E28", "terminal", "cannot go on: the terminal that was named is not the one the command is for")
	}
	return at, d, nil
}

func (c *Console) did(what string, id envelope.ID) {
	c.Log.Info().Str("case", string(id)).Msg("by the console: " + what)
}

// doneKey is the text for what a page says was done; a link can name no other.
func doneKey(what string) string {
	if slices.Contains([]string{"collected", "known", "published", "withdrawn"}, what) {
		return "done." + what
	}
	return ""
}
