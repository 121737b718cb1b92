package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"unbindd/agent/command"
	"unbindd/agent/enrol"
	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/store"
)

var (
	caseLink = regexp.MustCompile(`<a href="/cases/(C-[0-9]+)">`)
	nextLink = regexp.MustCompile(`<nav class="pages"[^>]*><a href="([^"]+)">`)
)

// walk reads a list to its end and returns what it names, in order.
func (r *room) walk(path string, named *regexp.Regexp) (all []string, pages int) {
	r.t.Helper()
	return r.walkBy(screenful, path, named)
}

// walkBy is walk for a list with other pages.
func (r *room) walkBy(most int, path string, named *regexp.Regexp) (all []string, pages int) {
	r.t.Helper()
	for ; path != ""; pages++ {
		text := r.page(path)
		found := named.FindAllStringSubmatch(text, -1)
		if len(found) > most {
			r.t.Errorf("%s lists %d", path, len(found))
		}
		for _, m := range found {
			all = append(all, m[1])
		}
		path = ""
		if m := nextLink.FindStringSubmatch(text); m != nil {
			path = strings.ReplaceAll(m[1], "&amp;", "&")
		}
		if pages > 20 {
			r.t.Fatal("the list has no end")
		}
	}
	return all, pages
}

func TestListsArePaged(t *testing.T) {
	r := newRoom(t)
	const n = 2*screenful + 3
	r.change(func(tx *store.Tx) error {
		for i := range n {
			c := store.Case{
				ID: envelope.ID(fmt.Sprintf("C-%03d", i)), Terminal: envelope.ID(fmt.Sprintf("T-%d", i%2)), Version: 1, Command: nothing, Binding: nothing,
				State: []string{desk.Issued, desk.Gone}[i/2%2], Since: start - int64(i), // the newest id is the oldest here
			}
			err := tx.PutCase(c)
			if err == nil {
				err = tx.AddNumber(c.Terminal, 1, int64(i), c.ID)
			}
			if err == nil {
				err = tx.PutTerminal(store.Terminal{ID: envelope.ID(fmt.Sprintf("T-%03d", i)), Epoch: 1})
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	want := func(keep func(i int) bool, back bool) (ids []string) {
		for i := range n {
			if back {
				i = n - 1 - i
			}
			if keep(i) {
				ids = append(ids, fmt.Sprintf("C-%03d", i))
			}
		}
		return ids
	}
	for path, ids := range map[string][]string{
		"/cases":                         want(func(int) bool { return true }, false),
		"/cases?state=issued":            want(func(i int) bool { return i/2%2 == 0 }, true), // the oldest first
		"/cases?terminal=T-1":            want(func(i int) bool { return i%2 == 1 }, false),
		"/cases?terminal=T-0&state=gone": want(func(i int) bool { return i%2 == 0 && i/2%2 == 1 }, false),
		"/cases?terminal=T-9":            nil,
		"/cases?state=closed":            nil,
		"/cases?state=issued&terminal=":  want(func(i int) bool { return i/2%2 == 0 }, true),
		"/cases?after=432d303439":        {"C-050", "C-051", "C-052"}, // C-049
	} {
		if got, _ := r.walk(path, caseLink); fmt.Sprint(got) != fmt.Sprint(ids) {
			t.Errorf("%s lists %v, want %v", path, got, ids)
		}
	}
	terminals, pages := r.walk("/terminals", regexp.MustCompile(`<a href="/cases\?terminal=(T-[0-9]+)">`))
	if len(terminals) != n || pages != 3 {
		t.Errorf("%d terminals on %d pages, want %d on 3", len(terminals), pages, n)
	}
	r.get("/cases?case=C-007").want(t, http.StatusSeeOther)
	r.get("/cases?case=C-999").want(t, http.StatusNotFound, "E28:case")
	r.get("/cases?terminal=T-1&state=bogus").want(t, http.StatusBadRequest, "E02:state")
	r.get("/cases?state=issued&after=zz").want(t, http.StatusBadRequest, "E28:after")
	r.get("/terminals?after=..").want(t, http.StatusBadRequest, "E28:name")
	r.get("/overdue?hours=-1").want(t, http.StatusBadRequest, "E02:hours")
	r.get("/overdue?hours=9223372036854775807").want(t, http.StatusBadRequest, "E02:hours")
}

// What is overdue, and the alarms beside it, are listed to their end; going on in
// one of them leaves the other where it is.
func TestWhatIsOverdueIsListedToItsEnd(t *testing.T) {
	r := newRoom(t)
	const n = desk.CasesPage + 7
	r.change(func(tx *store.Tx) (err error) {
		for i := range n {
			c := store.Case{
				ID: envelope.ID(fmt.Sprintf("C-%03d", i)), Terminal: "T-1", Version: 1, Command: nothing, Binding: nothing,
				State: []string{desk.Issued, desk.Erased}[i%2], Since: start - 1 - int64(i),
			}
			err = errors.Join(err, tx.PutCase(c), tx.PutAlarm(store.Alarm{Kind: desk.Zombie, About: fmt.Sprintf("T-%03d", i), What: "x"}))
		}
		return err
	})
	cases, pages := r.walkBy(desk.CasesPage, "/overdue?hours=0", caseLink)
	slices.Sort(cases)
	if got := len(slices.Compact(cases)); got != n || pages != 3 { // the alarms come first, and go on first
		t.Errorf("%d cases on %d pages, want %d on 3", got, pages, n)
	}
	alarms, _ := r.walkBy(desk.CasesPage, "/overdue?hours=0", regexp.MustCompile(`<bdi>(T-[0-9]{3})</bdi>`))
	slices.Sort(alarms)
	if got := len(slices.Compact(alarms)); got != n {
		t.Errorf("%d alarms are listed, want %d", got, n)
	}
}

func TestACaseIsShownWhole(t *testing.T) {
	r := newRoom(t)
	r.put("C-1", "T-1", desk.Issued, 1)
	body := []byte("{}")
	r.change(func(tx *store.Tx) error {
		c, err := tx.Case("C-1")
		if err != nil {
			return err
		}
		c.State, c.Version = desk.BackedUp, 5
		if err := tx.PutCase(c); err != nil {
			return err
		}
		if err := tx.Note("C-1", store.Entry{At: start + 60, State: desk.BackedUp, What: "backup restored and receipted"}); err != nil {
			return err
		}
		_, err = tx.AddObject(store.Key{Case: "C-1", Kind: "manifest", N: 1}, store.Object{Digest: envelope.DigestOf(body), Body: body, Received: start + 60})
		return err
	})
	page := r.page("/cases/C-1")
	for _, text := range []string{
		"Backed up", "backup restored and receipted", "Manifest 1", string(envelope.DigestOf(body)), `href="/log/proof/0"`, "2026-09-21 14:14:20 UTC",
		`data-events="/cases/C-1/live?seen=5"`, `aria-live="polite"`, `<li class="done"`, `<li class="passed"`, `<li class="now" aria-current="step"`, `<li class="ahead"`,
		"passed over", "to come", string(nothing),
	} {
		if !strings.Contains(page, text) {
			t.Errorf("the page of a case lacks %q: %s", text, page)
		}
	}
	r.get("/cases/C-9").want(t, http.StatusNotFound, "E28:case")
	for path, part := range map[string]string{"/log/proof/0": "index 0", "/log/checkpoint": "desk", "/log": "The log has 1 leaf."} {
		if text := r.page(path); !strings.Contains(text, part) {
			t.Errorf("%s says %s", path, text)
		}
	}
	r.get("/log/proof/1").want(t, http.StatusNotFound, "E28:leaf")
	r.get("/log/proof/01").want(t, http.StatusBadRequest, "E28:leaf")
	if a := r.get("/log/growth?from=1&to=1"); a.status != http.StatusOK {
		t.Errorf("the growth was answered with %d %s", a.status, a.body)
	}
}

func TestHowFarACaseHasGot(t *testing.T) {
	for _, c := range []struct {
		states []desk.State
		want   string
	}{
		{[]desk.State{desk.Drafted}, "drafted now, issued ahead, accepted ahead, backed-up ahead, erased ahead, acknowledged ahead, gone ahead"},
		{[]desk.State{desk.Drafted, desk.Issued, desk.BackedUp}, "drafted done, issued done, accepted passed, backed-up now, erased ahead, acknowledged ahead, gone ahead"},
		{[]desk.State{desk.Drafted, desk.Issued, desk.Refused}, "drafted done, issued done, refused now"},
		{[]desk.State{desk.Drafted, desk.Issued, desk.Accepted, desk.Erased, desk.Closed}, "drafted done, issued done, accepted done, backed-up passed, erased done, closed now"},
		{[]desk.State{desk.Drafted, desk.Issued, desk.Accepted, desk.BackedUp, desk.Erased, desk.Acknowledged, desk.Gone},
			"drafted done, issued done, accepted done, backed-up done, erased done, acknowledged done, gone done"},
		{[]desk.State{desk.Drafted, desk.Cancelled}, "drafted done, cancelled now"},
	} {
		whole := desk.Whole{Brief: desk.Brief{State: c.states[len(c.states)-1]}}
		for i, s := range c.states {
			whole.History = append(whole.History, store.Entry{At: start + int64(i), State: s})
		}
		var got []string
		for _, s := range stepsOf(whole) {
			got = append(got, s.State+" "+s.Phase)
		}
		if text := strings.Join(got, ", "); text != c.want {
			t.Errorf("%v is shown as %s, want %s", c.states, text, c.want)
		}
	}
}

func TestTerminalsAndAlarms(t *testing.T) {
	r := newRoom(t)
	r.put("C-1", "T-1", desk.Gone, 1)
	r.change(func(tx *store.Tx) error {
		err := tx.PutEnrolment(store.Enrolment{
			Nonce: "n-1", Terminal: "T-1", Serial: "SN-77", Acquirer: "acq-7", Merchant: "m-777", Account: nothing, USCC: nothing, Ticket: []byte("{}"),
			Binding: nothing, Reader: enrol.Reader{SN: "PED-7"},
		})
		if err == nil {
			err = tx.PutTerminal(store.Terminal{ID: "T-1", Epoch: 2, Binding: nothing, Nonce: "n-1", Case: "C-1"})
		}
		if err == nil {
			err = tx.PutAlarm(store.Alarm{Kind: desk.Zombie, About: "T-1", What: "it asks again", First: start, Last: start + 1, Count: 3})
		}
		if err == nil {
			err = tx.PutAlarm(store.Alarm{Kind: desk.Zombie, About: "T-2", What: "it asks again", Quiet: true, Settled: []store.Settled{{At: start, By: "auditor-1", Why: "scrapped by hand"}}})
		}
		return err
	})
	page := r.page("/terminals")
	for _, text := range []string{"T-1", "SN-77", "acq-7", "m-777", "PED-7", `href="/cases/C-1"`, "Gone"} {
		if !strings.Contains(page, text) {
			t.Errorf("the terminals lack %q: %s", text, page)
		}
	}
	if strings.Contains(page, string(nothing)) {
		t.Error("the terminals show digests of account or USCC")
	}
	late := r.page("/overdue")
	for _, text := range []string{"it asks again", "Shows up again", "<td>3</td>", "</span> Settled", "</time>, settled by <bdi>auditor-1</bdi>: <bdi>scrapped by hand</bdi>", "No case has waited for more than 24 hours."} {
		if !strings.Contains(late, text) {
			t.Errorf("the alarms lack %q: %s", text, late)
		}
	}
}

// Nothing that is signed is left out: every value of the signed bytes is in the
// table, whichever fields a command has.
func TestEverySignedFieldIsShown(t *testing.T) {
	r := newRoom(t)
	c := order("C-2")
	c.Challenge, c.Papers = "ch-99", envelope.DigestOf([]byte("papers"))
	c.Exception = []command.OpenSum{{Amount: 4711, Count: 12, Currency: "CNY"}, {Amount: 815, Count: 3, Currency: "USD"}}
	c.Successor = &command.Successor{Device: "ed25519:1111111111111111", Terminal: "T-NEW"}
	c.Backup.SealedAfter = 72
	e := r.draft(c)
	var tree any
	r.check(json.Unmarshal(e.Payload, &tree))
	for _, r.lang = range []string{"en", "zh"} {
		page := r.page("/approvals/C-2")
		n := 0
		var look func(any)
		look = func(node any) {
			switch node := node.(type) {
			case map[string]any:
				for _, v := range node {
					look(v)
				}
			case []any:
				for _, v := range node {
					look(v)
				}
			case float64:
				n++
				if text := fmt.Sprintf("<td><code>%.0f</code></td>", node); !strings.Contains(page, text) {
					t.Errorf("the page does not show the signed value %s", text)
				}
			default:
				n++
				if text := fmt.Sprintf("<td><code>%v</code></td>", node); !strings.Contains(page, text) {
					t.Errorf("the page does not show the signed value %s", text)
				}
			}
		}
		look(tree)
		if got := strings.Count(page, "<td><code>"); got != n || n < 25 {
			t.Errorf("the page shows %d values, and %d are signed", got, n)
		}
		for _, text := range []string{string(e.Digest()), `class="alert"`, "backup.sealed_after", "exception[1].amount"} {
			if !strings.Contains(page, text) {
				t.Errorf("the page lacks %q", text)
			}
		}
	}
}
