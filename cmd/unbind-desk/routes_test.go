package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"unbindd/cmd/unbind-desk/internal/serve"
)

// routesPage is written by ROUTES_PAGE=1, and compared else.
const routesPage = "../../docs/ROUTES.md"

// attack is a column of the table: what is done to a route, and what came back.
// No answer at all means that there is nothing of the kind in that route.
type attack struct {
	name string
	on   func(v *visit, r serve.Route) []heard
	slow bool // it waits for the desk's patience to end: on all routes at once
}

// ask sends a request as the one who may ask, over a line of its own.
func (v *visit) ask(r serve.Route, a asking) heard {
	return v.say(v.address(r), v.welcome(r), a.method, a.bytes())
}

var attacks = slices.Concat(credentials, names, shapes, frames)

// Every route refuses everything by name, and nothing changes by it. The routes
// are the router's own: a new one is in the table at once, and fails here until
// the page has its row.
func TestEveryRouteRefuses(t *testing.T) {
	h := newHall(t)
	v := newVisit(h)
	routes := slices.Concat(h.calm.TerminalRoutes(), h.calm.OperatorRoutes())
	rows := make([]map[string]string, len(routes))
	before := h.fingerprint()
	for i, r := range routes {
		rows[i] = map[string]string{}
		for _, a := range attacks {
			if !a.slow && !keeps(r, a) {
				rows[i][a.name] = v.try(t, r, a)
			}
		}
		if h.fingerprint() != before {
			t.Fatalf("%s %s: what was refused changed the store or the files", r.Method, r.Path)
		}
	}
	var waiting sync.WaitGroup
	for i, r := range routes {
		waiting.Go(func() {
			for _, a := range attacks {
				if a.slow && !keeps(r, a) {
					rows[i][a.name] = v.try(t, r, a)
				}
			}
		})
	}
	waiting.Wait()
	if h.fingerprint() != before {
		t.Fatal("who does not come to an end changed the store or the files")
	}
	for i, r := range routes {
		for _, a := range attacks {
			if keeps(r, a) {
				had := v.kept()
				rows[i][a.name] = v.try(t, r, a)
				if now := v.kept(); now <= had {
					t.Errorf("%s %s: after %s %d bytes are kept, and before %d", r.Method, r.Path, a.name, now, had)
				}
			}
		}
	}
	comparePage(t, routes, rows)
	// Last, for some of it changes the case: what was refused was not refused for
	// something else. Who is gone after his tombstone asks no more.
	slices.SortStableFunc(routes, func(a, b serve.Route) int { return cmp.Compare(lastOf[a.Path], lastOf[b.Path]) })
	for _, r := range routes {
		if got := v.ask(r, v.right(r)); got.status/100 != 2 && !slices.Contains(ungranted, r.Method+" "+r.Path) {
			t.Errorf("%s %s: the right request is answered with %s", r.Method, r.Path, got)
		}
	}
}

// keeps says that what is refused leaves something all the same, and is meant to: what
// came of a piece that fits need not come again.
func keeps(r serve.Route, a attack) bool {
	return r.Method == http.MethodPatch && (a.name == "cut off" || a.name == "slow body")
}

// lastOf says which right requests come after the others.
var lastOf = map[string]int{"/v1/uploads/{case}/{n}": -1, "/desk/follow": 1, "/desk/cases/{case}/withdraw": 1, "/v1/cases/{case}/tombstone": 2, "/desk/courier/{of}/cases/{case}/tombstone": 2}

// ungranted are routes whose right request takes more than one case to make; their
// own tests grant them.
var ungranted = []string{"PUT /v1/cases/{case}/acceptance/{n}", "PUT /desk/courier/{of}/cases/{case}/acceptance/{n}", "POST /desk/campaign", "PUT /desk/alarms"}

func (v *visit) try(t *testing.T, r serve.Route, a attack) string {
	t.Helper()
	var words []string
	for i, got := range a.on(v, r) {
		if !got.isRefusal() {
			t.Errorf("%s %s: %s, number %d, is answered with %s (a second answer: %v)", r.Method, r.Path, a.name, i+1, got, got.again)
		}
		if word := got.String(); !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}

// credentials: who shows which certificate, and whose key signed.
var credentials = []attack{
	{"no certificate", func(v *visit, r serve.Route) []heard {
		if r.Who == serve.Anybody || r.Who == serve.Owner {
			return nil
		}
		return []heard{v.say(v.address(r), nil, r.Method, v.right(r).bytes())}
	}, false},
	{"another's", func(v *visit, r serve.Route) []heard {
		switch r.Who {
		case serve.Known:
			return []heard{v.say(v.address(r), v.other, r.Method, v.right(r).bytes())}
		case serve.Signer:
			return []heard{v.say(v.address(r), v.own, r.Method, v.right(r).bytes())}
		}
		return nil
	}, false},
	{"a former enrolment's", func(v *visit, r serve.Route) []heard {
		if r.Who == serve.Anybody || r.Who == serve.Owner {
			return nil
		}
		return []heard{v.say(v.address(r), v.old, r.Method, v.right(r).bytes())}
	}, false},
	{"of another CA, or expired", func(v *visit, r serve.Route) []heard {
		if r.Who == serve.Owner {
			return nil
		}
		text := v.right(r).bytes()
		return []heard{v.say(v.address(r), v.foreign, r.Method, text), v.say(v.address(r), v.outdated, r.Method, text)}
	}, false},
	{"signed by an approver or the receipt key", func(v *visit, r serve.Route) (all []heard) {
		for _, by := range []string{"ops-2", "receipt-1", "enrol-1"} {
			if a, ok := v.forged(r, by); ok {
				all = append(all, v.say(v.address(r), v.owner(r, a), r.Method, a.bytes()))
			}
		}
		return all
	}, false},
}

// names: paths and ids that mean another place.
var names = []attack{
	{"path", func(v *visit, r serve.Route) (all []heard) {
		a := v.right(r)
		first, rest, _ := strings.Cut(a.target[1:], "/")
		for _, target := range []string{
			"/" + first + "/../" + first + "/" + rest, "/" + first + "/%2e%2e/" + first + "/" + rest, "/" + first + "//" + rest, "//" + a.target[1:],
			a.target + "/", a.target + "%00", a.target + "%0a", "/" + first + "%2f" + rest, "/" + first + "/./" + rest, a.target + `\..`,
			"/" + first + "/" + strings.Repeat("a", 4000) + "/" + rest, a.target + "é", a.target + "%c3%a9", "http://desk/%2e%2e" + a.target, "*",
		} {
			b := a
			b.target = target
			all = append(all, v.ask(r, b))
		}
		return all
	}, false},
	{"id", func(v *visit, r serve.Route) (all []heard) {
		for _, m := range parameter.FindAllStringSubmatch(r.Path, -1) {
			for _, value := range badIDs[m[1]] {
				a := v.right(r)
				a.target = v.fill(r, map[string]string{m[1]: value})
				all = append(all, v.ask(r, a))
			}
		}
		for _, value := range []string{"../../desk.db", "a\nb", "cases", "a/b", "", strings.Repeat("a", 65)} {
			if a, ok := v.named(r, value); ok {
				all = append(all, v.ask(r, a))
			}
		}
		return all
	}, false},
}

var parameter = regexp.MustCompile(`\{(\w+)\}`)

// badIDs are values that a path may hold and no record has: names of tables,
// of files, numbers written in another way.
var badIDs = map[string][]string{
	"case":     {"cases", "objects", "desk.db", "none:T-1", "none:", "...", "C-2026-999999"},
	"of":       {"T-9", "terminals", "desk.sock", "..."},
	"terminal": {"T-2", "terminals", "desk.sock", "..."},
	"kind":     {"cases", "secrets", "ticket", "receipt-backup", "blobs", "desk.db"},
	"n":        {"01", "-1", "+1", "1e3", "0x1", "9223372036854775808", "99"},
	"i":        {"01", "-1", "1e3", "9223372036854775808", "999999"},
	"m":        {"01", "-1", "1e3", "9223372036854775808", "999999"},
	"hours":    {"01", "-1", "1e3", "9223372036854775808"},
}

// named is a request whose body, head or query names the value.
func (v *visit) named(r serve.Route, value string) (asking, bool) {
	a := v.right(r)
	if value == "cases" && r.Who == serve.Owner {
		return a, false // a name like any other
	}
	switch r.Method + " " + r.Path {
	case "POST /v1/uploads":
		u := *v.comes
		u.command.Case = ""
		a = a.without("Upload-Metadata").with("Upload-Metadata: " + strings.Replace(
			u.announced(0, string(u.manifest.Digest)).Get("Upload-Metadata"), "case ", "case "+inBase64(value), 1))
	case "POST /desk/admit":
		a.body = inJSON(v.admission(value))
	case "POST /desk/issue":
		a.body = inJSON(v.wish(value))
	case "POST /desk/follow":
		a.body = inJSON(map[string]string{"kind": "cancel", "case": value})
	case "GET /desk/cases":
		if value == "" {
			return a, false // the first page
		}
		a.target += "?after=" + queryOf(value)
	default:
		return a, false
	}
	return a, true
}

// shapes: requests that are of another kind than the route's.
var shapes = []attack{
	{"method", func(v *visit, r serve.Route) (all []heard) {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW", "put"} {
			if a := v.right(r); !v.granted(method, a.target) {
				a.method, a.body = method, nil
				all = append(all, v.ask(r, a))
			}
		}
		return all
	}, false},
	{"type", func(v *visit, r serve.Route) (all []heard) {
		if r.Body.Most == 0 {
			return nil
		}
		for _, kind := range []string{"text/html", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "a/b/c", "application/jsonx"} {
			all = append(all, v.ask(r, v.right(r).without("Content-Type").with("Content-Type: "+kind)))
		}
		return all
	}, false},
	{"packed", func(v *visit, r serve.Route) []heard {
		a := v.right(r).with("Content-Encoding: gzip")
		if r.Body.Most > 0 {
			a.body = bomb()
		}
		return []heard{v.ask(r, a)}
	}, false},
	{"too large", func(v *visit, r serve.Route) []heard {
		a := v.right(r)
		a.announced, a.body = fmt.Sprint(r.Body.Most+1), make([]byte, min(r.Body.Most+1, 1<<16))
		far := a
		far.announced = fmt.Sprint(1 << 30)
		if r.Body.Most >= 1<<30 {
			far.announced = fmt.Sprint(int64(1 << 50))
		}
		return []heard{v.ask(r, a), v.ask(r, far)}
	}, false},
	{"not its digest", func(v *visit, r serve.Route) []heard {
		if r.Body.Most == 0 || r.Who == serve.Owner {
			return nil
		}
		a := v.right(r)
		if r.Method == http.MethodPatch {
			return []heard{v.ask(r, a.with("Upload-Checksum: sha256 "+inBase64(strings.Repeat("x", 32))))}
		}
		return []heard{v.ask(r, a.without("Content-Digest").with("Content-Digest: sha-256=:"+inBase64(strings.Repeat("x", 32))+":"))}
	}, false},
	{"said twice", func(v *visit, r serve.Route) (all []heard) {
		for _, name := range []string{"Content-Digest", "Content-Type", "If-Match", "If-None-Match", "Tus-Resumable", "Upload-Offset", "Authorization"} {
			all = append(all, v.ask(r, v.right(r).without(name).with(name+": 1", name+": 2")))
		}
		return append(all, v.ask(r, v.right(r).with("Host: another")))
	}, false},
}

// bomb is a body of a few kilobytes that would be 8 MiB unpacked.
var bomb = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(make([]byte, 8<<20)); err != nil {
		panic(err) // memory takes everything
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
})

// granted says whether a path is another route's under this method.
func (v *visit) granted(method, target string) bool {
	for _, r := range slices.Concat(v.calm.TerminalRoutes(), v.calm.OperatorRoutes()) {
		shape := strings.NewReplacer(`\{`, `{`, `\}`, `}`).Replace(regexp.QuoteMeta(r.Path))
		shape = parameter.ReplaceAllString(shape, `[^/]+`)
		if r.Method == method && regexp.MustCompile("^"+shape+"$").MatchString(target) {
			return true
		}
	}
	return false
}

// There is no way into the router but its list.
func TestRoutesAreListedOnce(t *testing.T) {
	registers := regexp.MustCompile(`\.Handle(Func)?\(`)
	files, err := filepath.Glob("internal/serve/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(registers.FindAll(text, -1)); n > 0 && (filepath.Base(path) != "routes.go" || n != 2) {
			t.Errorf("%s hands %d routes to a router past the list", path, n)
		}
	}
}
