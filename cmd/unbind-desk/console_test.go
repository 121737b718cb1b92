package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
)

// guest is a browser without scripts before the console of a running desk.
type guest struct {
	*office
	at     string
	client *http.Client
}

func (o *office) guest() *guest {
	o.t.Helper()
	jar, err := cookiejar.New(nil)
	o.check(err)
	g := &guest{o, strings.TrimPrefix(o.await("console "), "console "), &http.Client{Jar: jar}}
	link, err := url.Parse(strings.TrimSpace(o.cli("console", "--dir", string(o.dir))))
	o.check(err)
	if status, body := g.post("/enter", link.Query()); status != http.StatusOK || !strings.Contains(body, "<h1>Cases</h1>") {
		o.t.Fatalf("the link was answered with %d: %s", status, body)
	}
	return g
}

func (g *guest) get(path string) (int, string) {
	g.t.Helper()
	resp, err := g.client.Get(g.at + path)
	g.check(err)
	return g.read(resp)
}

func (g *guest) post(path string, form url.Values) (int, string) {
	g.t.Helper()
	req, err := http.NewRequest(http.MethodPost, g.at+path, strings.NewReader(form.Encode()))
	g.check(err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", g.at)
	resp, err := g.client.Do(req)
	g.check(err)
	return g.read(resp)
}

func (g *guest) read(resp *http.Response) (int, string) {
	g.t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	g.check(err)
	return resp.StatusCode, string(body)
}

var formField = regexp.MustCompile(`name="form" value="([^"]+)"`)

// Terminals' door has no page, the console none of terminals' routes, and neither
// has the socket's.
func TestTheDoorsHaveNothingInCommon(t *testing.T) {
	o := newOffice(t)
	m := newTerminal(o, "T-1")
	g := o.guest()
	for _, path := range []string{"/cases", "/approvals", "/enter?link=x", "/assets/console.css", "/terminals", "/overdue", "/desk/cases", "/desk/console"} {
		if r := m.get(path); r.status != http.StatusNotFound {
			t.Errorf("the terminals' door answers %s with %d", path, r.status)
		}
	}
	for _, path := range []string{"/v1/log/checkpoint", "/v1/terminals/T-1/orders", "/v1/time", "/v1/trust/1", "/desk/cases", "/desk/address", "/desk/alarms"} {
		if status, body := g.get(path); status != http.StatusNotFound {
			t.Errorf("the console answers %s with %d: %s", path, status, body)
		}
	}
}

// What the page offers no button for is refused by the desk, too; and a session
// outlives the process that gave it.
func TestTheConsolePublishesWhatEnoughPeopleSigned(t *testing.T) {
	o := newOffice(t)
	newTerminal(o, "T-1")
	g := o.guest()
	e, path := o.draft(unbind("T-1"), "ops-1")
	var c command.Command
	o.check(envelope.Decode(e.Payload, &c))
	id := string(c.Case)
	o.cli("collect", "--dir", string(o.dir), path)
	_, page := g.get("/approvals/" + id)
	form := formField.FindStringSubmatch(page)
	if form == nil || strings.Contains(page, "/publish") {
		t.Fatalf("the page of a draft that one person signed says %s", page)
	}
	decide := url.Values{"form": {form[1]}, "seen": {"2"}, "terminal": {"T-1"}}
	if status, body := g.post("/approvals/"+id+"/publish", decide); status != http.StatusForbidden || !strings.Contains(body, "E05") {
		t.Fatalf("a draft that one person signed was published: %d %s", status, body)
	}
	if got := o.state(id); got != "drafted" {
		t.Fatalf("the case is %s", got)
	}
	o.cli("sign", "--key", o.dir.Key("sec-1"), path)
	o.cli("collect", "--dir", string(o.dir), path)
	o.kill()
	o.start("--console", strings.TrimPrefix(g.at, "http://"))
	decide.Set("seen", "3")
	if status, body := g.post("/approvals/"+id+"/publish", decide); status != http.StatusOK || !strings.Contains(body, "The command was published") {
		t.Fatalf("a draft that everybody signed was not published: %d %s", status, body)
	}
	if got := o.state(id); got != "issued" {
		t.Fatalf("the case is %s", got)
	}
}

// No merchant gets a name that wants to be more than text; if one stood there all
// the same, it would be text (TestASpitefulNameIsOnlyText of the console).
func TestASpitefulMerchantIsNotAdmitted(t *testing.T) {
	o := newOffice(t)
	sheet := o.file("reader.json")
	o.check(os.WriteFile(sheet, []byte(`{"driver":"mpos","sn":"PED-1"}`), 0o600))
	for i, name := range []string{`"><script>alert(1)</script>`, "javascript:alert(1)", "m\u202E1", "m\x001", "商户", ""} {
		out, errOut, code := verb(t, "enrol", "--dir", string(o.dir), "--terminal", "T-1", "--serial", "SN-1", "--acquirer", "acq-1",
			"--merchant", name, "--uscc", "91310000000000000X", "--account", "6222000000", "--reader", sheet, "--out", o.file("ticket.json"))
		if code != exitRefused || strings.Contains(out+errOut, "script>") {
			t.Errorf("merchant %d was answered with %d: %s%s", i, code, out, errOut)
		}
	}
}
