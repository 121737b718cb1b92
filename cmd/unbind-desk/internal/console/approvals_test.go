package console

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/directory"
	"unbindd/cmd/unbind-desk/internal/store"
)

// signedBy is the draft with one more signature, as an approver's tool leaves it.
func (r *room) signedBy(draft []byte, holder string) []byte {
	r.t.Helper()
	e, err := envelope.Parse(draft, envelope.MaxCommand)
	r.check(err)
	r.check(e.Add(r.signer(holder)))
	return e.Encode()
}

func (r *room) handIn(id string, file []byte, seen string) answer {
	r.t.Helper()
	return r.do(r.upload("/approvals/"+id+"/collect", file, map[string]string{"form": formToken(r.cookie), "seen": seen}))
}

func TestADraftIsTakenSignedAndHandedIn(t *testing.T) {
	r := newRoom(t)
	r.draft(order("C-2"))
	taken := r.get("/approvals/C-2/draft")
	taken.want(t, http.StatusOK)
	if got := taken.header.Get("Content-Disposition"); got != `attachment; filename="C-2.json"` {
		t.Errorf("the draft is sent as %s", got)
	}
	if page := r.page("/approvals"); !strings.Contains(page, "nobody yet") || !strings.Contains(page, `href="/approvals/C-2"`) {
		t.Errorf("the approvals say %s", page)
	}
	a := r.handIn("C-2", r.signedBy([]byte(taken.body), "ops-1"), "1")
	a.want(t, http.StatusSeeOther)
	page := r.page(a.header.Get("Location"))
	for _, text := range []string{"The signature was taken in.", "ops-1", "operations", "security"} {
		if !strings.Contains(page, text) {
			t.Errorf("the page lacks %q: %s", text, page)
		}
	}
	if strings.Contains(page, `action="/approvals/C-2/publish"`) {
		t.Error("a command that one person signed can be published")
	}
	// The same file again changes nothing, at whatever version it was seen.
	a = r.handIn("C-2", r.signedBy([]byte(taken.body), "ops-1"), "2")
	if got := a.header.Get("Location"); got != "/approvals/C-2?done=known" {
		t.Errorf("the same signature again leads to %s", got)
	}
	both := r.get("/approvals/C-2/draft").body
	r.handIn("C-2", r.signedBy([]byte(both), "sec-1"), "2").want(t, http.StatusSeeOther)
	if page := r.page("/approvals/C-2"); !strings.Contains(page, `action="/approvals/C-2/publish"`) || !strings.Contains(page, "everybody has signed") {
		t.Errorf("a command that everybody signed cannot be published: %s", page)
	}
}

func TestWhatIsHandedInIsJudged(t *testing.T) {
	r := newRoom(t)
	draft := r.draft(order("C-2")).Encode()
	other := r.draft(order("C-3")).Encode()
	stranger := r.signedBy(draft, directory.Receipt)
	for _, c := range []struct {
		name, seen string
		file       []byte
		status     int
		code       string
	}{
		{"no envelope", "1", []byte("hello"), http.StatusBadRequest, "E02"},
		{"another kind", "1", sealed(t, "cancel"), http.StatusBadRequest, "E03"},
		{"another case's command", "1", r.signedBy(other, "ops-1"), http.StatusUnprocessableEntity, "E28:case"},
		{"a key that may not", "1", stranger, http.StatusForbidden, "E05:role"},
		{"a version that was not seen", "", r.signedBy(draft, "ops-1"), http.StatusConflict, "E31:unseen"},
		{"an older version", "0", r.signedBy(draft, "ops-1"), http.StatusConflict, "E31:version"},
		{"two keys of one role", "1", r.signedBy(r.signedBy(draft, "ops-1"), "ops-2"), http.StatusForbidden, "E05:role"},
	} {
		a := r.handIn("C-2", c.file, c.seen)
		if a.status != c.status || !strings.Contains(a.body, c.code) {
			t.Errorf("%s was answered with %d, want %d %s: %s", c.name, a.status, c.status, c.code, a.body)
		}
	}
	none := r.form("/approvals/C-2/collect", url.Values{"form": {formToken(r.cookie)}, "seen": {"1"}})
	r.do(none).want(t, http.StatusBadRequest, "E02:file")
	r.still("C-2", desk.Drafted, 1)
	r.still("C-3", desk.Drafted, 1)
}

func sealed(t *testing.T, kind string) []byte {
	t.Helper()
	e, err := envelope.Seal(envelope.Type(kind), map[string]any{"case": "C-2", "v": 1})
	if err != nil {
		t.Fatal(err)
	}
	return e.Encode()
}

// still holds a case to where it was.
func (r *room) still(id, state string, version int64) {
	r.t.Helper()
	r.check(r.kept.Look(func(tx *store.Tx) error {
		c, err := tx.Case(envelope.ID(id))
		if c.State != state || c.Version != version {
			r.t.Errorf("case %s is %s at version %d, want %s at %d", id, c.State, c.Version, state, version)
		}
		return err
	}))
}

func TestWhoDecidesNamesTheTerminal(t *testing.T) {
	r := newRoom(t)
	r.draft(order("C-2"))
	send := func(what, terminal, seen string) answer {
		return r.do(r.form("/approvals/C-2/"+what, url.Values{"form": {formToken(r.cookie)}, "terminal": {terminal}, "seen": {seen}}))
	}
	for _, what := range []string{"publish", "withdraw"} {
		send(what, "", "1").want(t, http.StatusUnprocessableEntity, "E28:terminal")
		send(what, "T-2", "1").want(t, http.StatusUnprocessableEntity, "E28:terminal")
		send(what, "T-1", "").want(t, http.StatusConflict, "E31:unseen")
	}
	send("withdraw", "T-1", "7").want(t, http.StatusConflict, "E31:version")
	r.still("C-2", desk.Drafted, 1)
	a := send("withdraw", "T-1", "1")
	a.want(t, http.StatusSeeOther)
	if page := r.page(a.header.Get("Location")); !strings.Contains(page, "The draft was withdrawn.") || !strings.Contains(page, "Cancelled") {
		t.Errorf("after the withdrawal the case says %s", page)
	}
	r.get("/approvals/C-2").want(t, http.StatusConflict, "E28:state")
}

// A draft with a signature that does not count any more, of a key that was removed or
// has no say, is shown with what is wrong, and can be withdrawn; nothing else.
func TestADraftThatNobodyCanSignIsWithdrawn(t *testing.T) {
	r := newRoom(t)
	_, removed, err := ed25519.GenerateKey(rand.Reader)
	r.check(err)
	for id, c := range map[string]struct {
		by   envelope.Signer
		code string
	}{
		"C-2": {envelope.NewSigner(removed), "E04"},
		"C-3": {r.signer(directory.Receipt), "E05:role"},
	} {
		e := r.draft(order(id))
		r.check(e.Add(c.by))
		r.change(func(tx *store.Tx) error {
			kept, err := tx.Case(envelope.ID(id))
			kept.Draft = e.Encode()
			return errors.Join(err, tx.PutCase(kept))
		})
		page := r.page("/approvals/" + id)
		for _, text := range []string{"cannot be signed or published any more (" + c.code, `action="/approvals/` + id + `/withdraw"`} {
			if !strings.Contains(page, text) {
				t.Errorf("%s: the page lacks %q: %s", id, text, page)
			}
		}
		for _, what := range []string{"publish", "collect"} {
			if strings.Contains(page, `action="/approvals/`+id+`/`+what+`"`) {
				t.Errorf("%s: the page offers to %s", id, what)
			}
		}
		r.get("/approvals/"+id+"/draft").want(t, http.StatusForbidden, c.code)
		send := url.Values{"form": {formToken(r.cookie)}, "terminal": {"T-1"}, "seen": {"1"}}
		r.do(r.form("/approvals/"+id+"/withdraw", send)).want(t, http.StatusSeeOther)
		r.still(id, desk.Cancelled, 2)
	}
}
