package console

import (
	"bytes"
	"crypto/rand"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/directory"
	"unbindd/cmd/unbind-desk/internal/store"
	"unbindd/cmd/unbind-desk/internal/store/bolt"
)

// room is a desk with its console, and a browser before it.
type room struct {
	t      *testing.T
	dir    directory.Dir
	kept   *store.Store
	desk   *desk.Desk
	server *httptest.Server
	clock  atomic.Int64
	logged bytes.Buffer
	lang   string // Accept-Language of the browser
	cookie string // the session
}

var nothing = envelope.DigestOf(nil)

// start is where the clock of every room begins.
const start = 1790000000

// newRoom founds a desk, serves its console and enters it.
func newRoom(t *testing.T) *room {
	t.Helper()
	r := &room{t: t, dir: directory.Dir(filepath.Join(t.TempDir(), "desk"))}
	r.clock.Store(start)
	_, err := directory.Found(string(r.dir), directory.Founding{Name: "desk", Now: r.now(), Random: rand.Reader})
	r.check(err)
	base, err := bolt.Open(string(r.dir))
	r.check(err)
	r.kept, err = store.New(base)
	r.check(err)
	t.Cleanup(func() { r.check(r.kept.Close()) })
	r.desk = r.another()
	c, err := New(r.desk, r.log(), func(err error) { t.Errorf("the desk failed: %v", err) })
	r.check(err)
	c.Again = time.Millisecond
	r.server = httptest.NewServer(c.Handler())
	t.Cleanup(r.server.Close)
	r.enter()
	return r
}

func (r *room) now() time.Time { return time.Unix(r.clock.Load(), 0) }

func (r *room) log() zerolog.Logger { return zerolog.New(&r.logged) }

func (r *room) check(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// another is a desk on the same store, as a second process would be.
func (r *room) another() *desk.Desk {
	r.t.Helper()
	p := desk.Parts{Store: r.kept, URL: "https://desk", Now: r.now, Random: rand.Reader}
	var err error
	p.Anchor, err = r.dir.ReadAnchor()
	r.check(err)
	p.Receipts, p.Enrols = r.signer(directory.Receipt), r.signer(directory.Enrol)
	d, err := desk.New(p)
	r.check(err)
	return d
}

func (r *room) signer(holder string) envelope.Signer {
	r.t.Helper()
	s, err := authority.ReadSigner(r.dir.Key(holder))
	r.check(err)
	return s
}

func (r *room) change(f func(*store.Tx) error) {
	r.t.Helper()
	r.check(r.kept.Change(f))
}

// put writes a case as it stands, with one line of history.
func (r *room) put(id, terminal, state string, n int64) {
	r.t.Helper()
	r.change(func(tx *store.Tx) error {
		c := store.Case{ID: envelope.ID(id), Terminal: envelope.ID(terminal), State: state, Since: start + n, Version: 1, Command: nothing, Binding: nothing}
		if err := tx.PutCase(c); err != nil {
			return err
		}
		if err := tx.AddNumber(c.Terminal, 1, n, c.ID); err != nil {
			return err
		}
		return tx.Note(c.ID, store.Entry{At: start + n, State: state, What: "command drafted"})
	})
}

// order is a command that a terminal could be unbound by.
func order(id string) command.Command {
	d := envelope.DigestOf([]byte("x"))
	return command.Command{
		Action: command.Rebind, Backup: command.Backup{Gate: command.GateReceipt, Set: "rcp-demo"}, Binding: d,
		Case: envelope.ID(id), Device: "ed25519:0000000000000000", Epoch: 3, ID: "id-7", Issued: start, Level: command.Clear,
		NotAfter: start + 86400, NotBefore: start, Profile: command.Named{Digest: d, ID: "rebind-standard"},
		Reason: "merchant-closed", Root: 1, Scope: []envelope.ID{"host-keys", "ledger", "reader-keys"}, Seq: 4, Terminal: "T-1", V: 1,
	}
}

// draft writes a drafted case with its unsigned command.
func (r *room) draft(c command.Command) *envelope.Envelope {
	r.t.Helper()
	e, err := envelope.Seal(envelope.Type(command.Kind), c)
	r.check(err)
	r.change(func(tx *store.Tx) error {
		return tx.PutCase(store.Case{
			ID: c.Case, Terminal: c.Terminal, State: desk.Drafted, Since: start, Command: e.Digest(), Draft: e.Encode(), Version: 1, Binding: nothing,
		})
	})
	return e
}

// answer is what the console answered.
type answer struct {
	status int
	header http.Header
	body   string
}

func (r *room) do(req *http.Request) answer {
	r.t.Helper()
	if r.cookie != "" {
		req.AddCookie(&http.Cookie{Name: cookieName, Value: r.cookie})
	}
	if r.lang != "" {
		req.Header.Set("Accept-Language", r.lang)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	r.check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	r.check(err)
	return answer{resp.StatusCode, resp.Header, string(body)}
}

func (r *room) request(method, path string, body io.Reader) *http.Request {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.server.URL+path, body)
	r.check(err)
	return req
}

func (r *room) get(path string) answer {
	r.t.Helper()
	return r.do(r.request(http.MethodGet, path, nil))
}

// page gets a page that must be there.
func (r *room) page(path string) string {
	r.t.Helper()
	a := r.get(path)
	if a.status != http.StatusOK {
		r.t.Fatalf("%s answered %d: %s", path, a.status, a.body)
	}
	return a.body
}

// form is a form as a page of the console sends it.
func (r *room) form(path string, with url.Values) *http.Request {
	r.t.Helper()
	req := r.request(http.MethodPost, path, strings.NewReader(with.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	req.Header.Set("Origin", "null")
	return req
}

// upload is a form with a signed file.
func (r *room) upload(path string, file []byte, with map[string]string) *http.Request {
	r.t.Helper()
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	for name, value := range with {
		r.check(m.WriteField(name, value))
	}
	part, err := m.CreateFormFile("signed", "signed.json")
	r.check(err)
	_, err = part.Write(file)
	r.check(err)
	r.check(m.Close())
	req := r.request(http.MethodPost, path, &body)
	req.Header.Set("Content-Type", m.FormDataContentType())
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return req
}

// enter takes a link and exchanges it.
func (r *room) enter() {
	r.t.Helper()
	link, err := r.desk.Invite()
	r.check(err)
	a := r.do(r.form("/enter", url.Values{"link": {link}}))
	if a.status != http.StatusSeeOther {
		r.t.Fatalf("the link was answered with %d: %s", a.status, a.body)
	}
	for _, line := range a.header.Values("Set-Cookie") {
		if c, err := http.ParseSetCookie(line); err == nil && c.Name == cookieName {
			r.cookie = c.Value
		}
	}
	if r.cookie == "" {
		r.t.Fatal("the link gave no session")
	}
}

func (a answer) want(t *testing.T, status int, inside ...string) {
	t.Helper()
	if a.status != status {
		t.Fatalf("the console answered %d, want %d: %s", a.status, status, a.body)
	}
	for _, text := range inside {
		if !strings.Contains(a.body, text) {
			t.Errorf("the answer lacks %q: %s", text, a.body)
		}
	}
}
