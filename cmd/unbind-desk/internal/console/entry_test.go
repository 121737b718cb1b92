package console

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/store"
)

// readable are the pages and files of the console, for whoever is in.
var readable = []string{
	"/cases", "/cases?state=issued", "/cases?terminal=T-1", "/cases/C-1", "/approvals", "/approvals/C-2", "/approvals/C-2/draft", "/terminals",
	"/log", "/log/checkpoint", "/log/proof/0", "/overdue", "/overdue?hours=0", "/nowhere",
}

func TestALinkLetsOneBrowserInOnce(t *testing.T) {
	r := newRoom(t)
	link, err := r.desk.Invite()
	r.check(err)
	r.cookie = ""
	shown := r.get("/enter?link=" + link)
	shown.want(t, http.StatusOK, link)
	// Looking at the link uses nothing up, and lets nobody in.
	if shown.header.Get("Set-Cookie") != "" {
		t.Error("looking at a link gave a cookie")
	}
	first := r.do(r.form("/enter", url.Values{"link": {link}}))
	first.want(t, http.StatusSeeOther)
	cookie, err := http.ParseSetCookie(first.header.Get("Set-Cookie"))
	r.check(err)
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" || cookie.Domain != "" {
		t.Errorf("the session's cookie is %s", first.header.Get("Set-Cookie"))
	}
	if strings.Contains(first.header.Get("Set-Cookie"), link) {
		t.Error("the session has the link's token")
	}
	second := r.do(r.form("/enter", url.Values{"link": {link}}))
	second.want(t, http.StatusForbidden, "E10:session")
	r.cookie = cookie.Value
	r.page("/cases")
	// A session is no link, and a link no session.
	r.do(r.form("/enter", url.Values{"link": {cookie.Value}})).want(t, http.StatusForbidden)
	if r.cookie, err = r.desk.Invite(); err != nil {
		t.Fatal(err)
	}
	r.get("/cases").want(t, http.StatusForbidden, "unbind-desk console")
}

func TestLinksAndSessionsEnd(t *testing.T) {
	r := newRoom(t)
	late, err := r.desk.Invite()
	r.check(err)
	r.clock.Add(10 * 60)
	r.do(r.form("/enter", url.Values{"link": {late}})).want(t, http.StatusForbidden, "E10:session")
	r.page("/cases")
	r.clock.Add(8 * 60 * 60)
	r.get("/cases").want(t, http.StatusForbidden)
	// What is over does not stay in the store.
	_, err = r.desk.Invite()
	r.check(err)
	n := 0
	r.check(r.kept.Look(func(tx *store.Tx) error { return tx.Sessions(func(store.Session) error { n++; return nil }) }))
	if n != 1 {
		t.Errorf("the store has %d sessions and links, want the new link alone", n)
	}
}

func TestLeavingEndsTheSessionAtTheDesk(t *testing.T) {
	r := newRoom(t)
	r.do(r.form("/leave", url.Values{"form": {formToken(r.cookie)}})).want(t, http.StatusOK, "left the console")
	r.get("/cases").want(t, http.StatusForbidden)
	if err := r.another().Admits(r.cookie); !errors.Is(err, desk.ErrForeign) {
		t.Errorf("another desk says of a session that was left: %v", err)
	}
}

func TestASessionHoldsAtEveryDesk(t *testing.T) {
	r := newRoom(t)
	if err := r.another().Admits(r.cookie); err != nil {
		t.Error(err)
	}
}

func TestTheStoreHoldsNothingThatOpens(t *testing.T) {
	r := newRoom(t)
	r.check(r.kept.Look(func(tx *store.Tx) error {
		return tx.Sessions(func(s store.Session) error {
			if s.Name == r.cookie || strings.Contains(s.Name, r.cookie) {
				t.Error("the store holds a session's token")
			}
			return nil
		})
	}))
}

func TestNobodySeesAnythingWithoutASession(t *testing.T) {
	r := newRoom(t)
	r.put("C-1", "T-1", desk.Issued, 1)
	r.draft(order("C-2"))
	for _, cookie := range []string{"", "x", strings.Repeat("A", 43)} {
		r.cookie = cookie
		for _, path := range append(readable, "/", "/cases/C-1/live", "/log/growth?from=1&to=1") {
			a := r.get(path)
			if a.status != http.StatusForbidden || strings.Contains(a.body, "C-1") || strings.Contains(a.body, "T-1") {
				t.Errorf("%s without a session answered %d: %s", path, a.status, a.body)
			}
		}
	}
}

func TestNoTokenIsLogged(t *testing.T) {
	r := newRoom(t)
	link, err := r.desk.Invite()
	r.check(err)
	r.get("/enter?link=" + link)
	r.do(r.form("/enter", url.Values{"link": {link}}))
	r.do(r.form("/enter", url.Values{"link": {link}}))
	r.get("/cases/none")
	if log := r.logged.String(); strings.Contains(log, link) || strings.Contains(log, r.cookie) || log == "" {
		t.Errorf("the log says %s", log)
	}
}
