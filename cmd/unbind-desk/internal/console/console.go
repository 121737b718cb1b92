package console

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/rs/zerolog"

	"unbindd/cmd/unbind-desk/internal/desk"
)

//go:embed pages/*.html
var pages embed.FS

//go:embed assets
var assets embed.FS

// screenful is how many rows a page lists.
const screenful = 25

// Console serves the pages of one desk.
type Console struct {
	Desk   *desk.Desk
	Log    zerolog.Logger
	Failed func(error)   // hears of what the desk itself could not do
	Again  time.Duration // after which a live page looks by itself

	words   *i18n.Bundle
	pages   *template.Template
	streams streams
}

// lookAgain is how late a live page hears of a change, whichever desk made it.
const lookAgain = time.Second

// New makes a console for a desk.
func New(d *desk.Desk, log zerolog.Logger, failed func(error)) (*Console, error) {
	words, err := catalogues()
	if err != nil {
		return nil, fmt.Errorf("cannot make the console: %w", err)
	}
	parsed, err := template.New("").ParseFS(pages, "pages/*.html")
	if err != nil {
		return nil, fmt.Errorf("cannot make the console: %w", err)
	}
	return &Console{Desk: d, Log: log, Failed: failed, Again: lookAgain, words: words, pages: parsed}, nil
}

// Handler serves every route behind the guard.
func (c *Console) Handler() http.Handler {
	mux := http.NewServeMux()
	get := func(path string, h handler) { mux.Handle("GET "+path, c.inside(h)) }
	post := func(path string, h handler) {
		mux.Handle("POST "+path, c.inside(c.ours(h)))
		mux.HandleFunc(path, c.onlyPost)
	}
	get("/{$}", func(w http.ResponseWriter, r *http.Request, _ *visit) error { return turn(w, r, "/cases") })
	get("/cases", c.cases)
	get("/cases/{case}", c.oneCase)
	get("/cases/{case}/live", c.live)
	get("/approvals", c.approvals)
	get("/approvals/{case}", c.approval)
	get("/approvals/{case}/draft", c.draft)
	post("/approvals/{case}/collect", c.collect)
	post("/approvals/{case}/publish", c.publish)
	post("/approvals/{case}/withdraw", c.withdraw)
	get("/terminals", c.terminals)
	get("/log", c.log)
	get("/log/checkpoint", c.checkpoint)
	get("/log/proof/{leaf}", c.proof)
	get("/log/growth", c.growth)
	get("/overdue", c.overdue)
	post("/language", c.language)
	post("/leave", c.leave)
	mux.HandleFunc("GET /enter", c.invited)
	mux.HandleFunc("POST /enter", c.enter)
	mux.HandleFunc("/enter", c.onlyPost)
	mux.HandleFunc("GET /assets/{file}", c.asset)
	mux.Handle("/", c.inside(func(http.ResponseWriter, *http.Request, *visit) error { return errNowhere }))
	return guard(mux)
}

// asset serves the style and the script, which are no secret.
func (c *Console) asset(w http.ResponseWriter, r *http.Request) {
	types := map[string]string{"console.css": "text/css; charset=utf-8", "console.js": "text/javascript; charset=utf-8"}
	kind, ok := types[r.PathValue("file")]
	body, err := assets.ReadFile("assets/" + r.PathValue("file"))
	if !ok || err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(body) // the browser is gone: it will ask again
}

// page is what every page is made of.
type page struct {
	speech
	Title  string // key of the catalogue
	Here   string // the entry of the menu it belongs to
	Name   string // of the thing it shows, if it shows one
	Path   string // where the switch of languages leads back to
	Form   string // the token of the session's forms; "" without a session
	Done   string // what has just been done, a key of the catalogue
	Inside any
}

// show writes a page. It is made whole before any of it goes out, so that a page
// that cannot be made is never half of one.
func (c *Console) show(w http.ResponseWriter, status int, name string, p page) error {
	body, err := c.render(name, p)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", p.Lang)
	w.WriteHeader(status)
	_, _ = w.Write(body) // the browser is gone: it will ask again
	return nil
}

// render makes a page or a part of one; what would not be seen in it is shown.
func (c *Console) render(name string, p page) ([]byte, error) {
	var out bytes.Buffer
	if err := c.pages.ExecuteTemplate(&out, name, p); err != nil {
		return nil, fmt.Errorf("cannot make the page: %w", err)
	}
	return visible(out.Bytes()), nil
}

// turn sends the browser to another page of the console.
func turn(w http.ResponseWriter, r *http.Request, path string) error {
	http.Redirect(w, r, path, http.StatusSeeOther)
	return nil
}

// moment is a time as people read it and as machines do, in UTC because a case has
// many clocks.
type moment struct{ Machine, People string }

func momentOf(unix int64) moment {
	t := time.Unix(unix, 0).UTC()
	return moment{t.Format(time.RFC3339), t.Format("2006-01-02 15:04:05 UTC")}
}
