package console

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/store"
)

// changing are the routes that change something.
var changing = []string{
	"/approvals/C-2/collect", "/approvals/C-2/publish", "/approvals/C-2/withdraw", "/language", "/leave", "/enter",
}

func TestEveryAnswerHasItsHeaders(t *testing.T) {
	r := newRoom(t)
	r.put("C-1", "T-1", desk.Issued, 1)
	r.draft(order("C-2"))
	want := map[string]string{
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'",
		"X-Frame-Options":         "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
	}
	check := func(what string, a answer) {
		for name, value := range want {
			if got := a.header.Get(name); got != value {
				t.Errorf("%s: %s is %q, want %q", what, name, got, value)
			}
		}
	}
	for _, path := range append(readable, "/", "/enter?link=x", "/assets/console.css", "/assets/console.js", "/assets/none", "/cases/..%2f", "/cases/none") {
		check(path, r.get(path))
	}
	for _, path := range changing {
		check("POST "+path, r.do(r.form(path, nil)))
		check("GET "+path, r.get(path))
	}
	foreign := r.request(http.MethodGet, "/cases", nil)
	foreign.Host = "evil.example"
	check("a foreign host", r.do(foreign))
	r.cookie = ""
	check("no session", r.get("/cases"))
}

func TestOnlyNamesOfThisMachineAreAnswered(t *testing.T) {
	r := newRoom(t)
	for host, status := range map[string]int{
		"127.0.0.1:9": 200, "localhost:9": 200, "localhost": 200, "[::1]:9": 200,
		"evil.example": 421, "evil.example:80": 421, "127.0.0.1.evil.example": 421, "localhost.evil.example": 421, "10.0.0.1": 421, "localhost@evil.example": 421, "0.0.0.0": 421,
	} {
		req := r.request(http.MethodGet, "/cases", nil)
		req.Host = host
		if a := r.do(req); a.status != status {
			t.Errorf("Host %s was answered with %d, want %d", host, a.status, status)
		}
	}
}

// Every route that changes something, sent as no page of the console would.
func TestAForeignFormChangesNothing(t *testing.T) {
	r := newRoom(t)
	r.draft(order("C-2"))
	mine := r.cookie
	r.enter()
	other := r.cookie
	r.cookie = mine
	good := url.Values{"form": {formToken(mine)}, "seen": {"1"}, "terminal": {"T-1"}, "lang": {"zh-CN"}}
	cases := []struct {
		name   string
		change func(*http.Request, url.Values)
		entry  bool // it holds for the entry too, which has no session yet
	}{
		{"no token", func(_ *http.Request, f url.Values) { f.Del("form") }, false},
		{"another session's token", func(_ *http.Request, f url.Values) { f.Set("form", formToken(other)) }, false},
		{"the session itself", func(_ *http.Request, f url.Values) { f.Set("form", mine) }, false},
		{"a longer token", func(_ *http.Request, f url.Values) { f.Set("form", formToken(mine)+"A") }, false},
		{"the token in the path", func(q *http.Request, f url.Values) { q.URL.RawQuery = f.Encode(); f.Del("form") }, false},
		{"a foreign origin", func(q *http.Request, _ url.Values) { q.Header.Set("Origin", "http://evil.example") }, true},
		{"another port", func(q *http.Request, _ url.Values) { q.Header.Set("Origin", "http://127.0.0.1:1") }, true},
		{"another scheme", func(q *http.Request, _ url.Values) { q.Header.Set("Origin", "https://"+q.URL.Host) }, true},
		{"a foreign site", func(q *http.Request, _ url.Values) { q.Header.Set("Sec-Fetch-Site", "cross-site") }, true},
		{"another port of this machine", func(q *http.Request, _ url.Values) { q.Header.Set("Sec-Fetch-Site", "same-site") }, true},
		{"typed in", func(q *http.Request, _ url.Values) { q.Header.Set("Sec-Fetch-Site", "none") }, true},
		{"no word of where from", func(q *http.Request, _ url.Values) { q.Header.Del("Sec-Fetch-Site"); q.Header.Del("Origin") }, true},
		{"origin null and no word", func(q *http.Request, _ url.Values) { q.Header.Del("Sec-Fetch-Site") }, true},
	}
	for _, path := range changing {
		for _, c := range cases {
			if path == "/enter" && !c.entry {
				continue
			}
			fields := url.Values{}
			for name, values := range good {
				fields[name] = values
			}
			probe := r.form(path, nil)
			c.change(probe, fields)
			req := r.form(path, fields)
			req.Header, req.URL = probe.Header, probe.URL
			if path == "/enter" {
				link, err := r.desk.Invite()
				r.check(err)
				fields.Set("link", link)
				req = r.form(path, fields)
				req.Header = probe.Header
			}
			if a := r.do(req); a.status != http.StatusForbidden || len(a.header.Values("Set-Cookie")) > 0 {
				t.Errorf("POST %s with %s was answered with %d %v", path, c.name, a.status, a.header.Values("Set-Cookie"))
			}
		}
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodPatch} {
			req := r.form(path+"?"+good.Encode(), nil)
			req.Method = method
			if a := r.do(req); a.status != http.StatusMethodNotAllowed && (path != "/enter" || method != http.MethodGet) {
				t.Errorf("%s %s was answered with %d", method, path, a.status)
			}
		}
	}
	r.check(r.kept.Look(func(tx *store.Tx) error {
		c, err := tx.Case("C-2")
		if c.Version != 1 || c.State != desk.Drafted {
			t.Errorf("the case is %s at version %d", c.State, c.Version)
		}
		return err
	}))
	r.page("/cases") // the session is still there
	// A browser that tells no site tells its origin, and that is enough.
	old := r.form("/language", url.Values{"form": {formToken(mine)}, "lang": {"zh-CN"}, "back": {"/log"}})
	old.Header.Del("Sec-Fetch-Site")
	old.Header.Set("Origin", r.server.URL)
	r.do(old).want(t, http.StatusSeeOther)
}

func TestNoOtherSiteMakesTheBrowserRead(t *testing.T) {
	r := newRoom(t)
	r.put("C-1", "T-1", desk.Issued, 1)
	for _, site := range []string{"cross-site", "same-site"} {
		for _, path := range []string{"/cases", "/cases/C-1", "/cases/C-1/live", "/log/checkpoint", "/assets/console.js"} {
			req := r.request(http.MethodGet, path, nil)
			req.Header.Set("Sec-Fetch-Site", site)
			if a := r.do(req); a.status != http.StatusForbidden || strings.Contains(a.body, "C-1") {
				t.Errorf("%s for a %s page was answered with %d", path, site, a.status)
			}
		}
	}
	// A link into the console may stand anywhere.
	req := r.request(http.MethodGet, "/enter?link=x", nil)
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	r.do(req).want(t, http.StatusOK)
}

func TestAFormIsBounded(t *testing.T) {
	r := newRoom(t)
	r.draft(order("C-2"))
	long := r.form("/language", url.Values{"form": {formToken(r.cookie)}, "back": {strings.Repeat("x", maxForm)}})
	r.do(long).want(t, http.StatusRequestEntityTooLarge, "E01:bytes")
	file := r.upload("/approvals/C-2/collect", make([]byte, maxForm), map[string]string{"form": formToken(r.cookie), "seen": "1"})
	r.do(file).want(t, http.StatusRequestEntityTooLarge, "E01:bytes")
	torn := r.request(http.MethodPost, "/language", strings.NewReader("--x"))
	torn.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	torn.Header.Set("Sec-Fetch-Site", "same-origin")
	r.do(torn).want(t, http.StatusBadRequest, "E02:form")
}

func TestTheSwitchLeadsNowhereElse(t *testing.T) {
	r := newRoom(t)
	for back, want := range map[string]string{
		"/log": "/log", "/cases?state=gone": "/cases?state=gone", "//evil.example": "/cases", "https://evil.example": "/cases",
		"/\\evil.example": "/cases", "javascript:alert(1)": "/cases", "": "/cases", "/\t/evil.example": "/cases",
	} {
		a := r.do(r.form("/language", url.Values{"form": {formToken(r.cookie)}, "lang": {"zh-CN"}, "back": {back}}))
		if got := a.header.Get("Location"); a.status != http.StatusSeeOther || got != want {
			t.Errorf("back to %q leads to %q, want %q", back, got, want)
		}
	}
}
