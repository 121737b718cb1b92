package console

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/grounds"
	"unbindd/cmd/unbind-desk/internal/store"
)

// spiteful are names that a merchant could call himself if nothing stopped him.
var spiteful = []string{
	`"><script>alert(1)</script>`, `' onmouseover='alert(1)`, `javascript:alert(1)`, `</textarea></title><svg onload=alert(1)>`,
	`{{.Form}}`, `<!--`, `]]>`, "\u202Egpj.exe", "\u2066a\u2069", "a\u200Bb", "x\x00y", "x\x1b[31my", "x\u0085y", "x\u2028y", "\u3164", "x\xffy", "\U000E0041",
	`"><meta http-equiv=refresh content=0;url=http://evil.example>`, `&lt;script&gt;`, "data: x\n\nevent: case\ndata: <b>",
}

var (
	tags    = regexp.MustCompile(`<[a-zA-Z][^>]*>`)
	quoted  = regexp.MustCompile(`"[^"]*"`)
	handles = regexp.MustCompile(`(?i)[\s"']on[a-z]+\s*=`)
	scheme  = regexp.MustCompile(`(?i)(href|action|src)="\s*(javascript|data|vbscript|[a-z]+:|//)`)
)

// harmless looks at a page as a browser would: its tags are those of the templates,
// and every character in it can be seen.
func harmless(t *testing.T, what, page string) {
	t.Helper()
	for _, tag := range tags.FindAllString(page, -1) {
		name := strings.ToLower(strings.Trim(strings.Fields(strings.Trim(tag, "<>/"))[0], `"'`))
		if slices.Contains([]string{"svg", "iframe", "img", "style", "object", "embed", "base", "b", "textarea"}, name) ||
			name == "script" && tag != `<script src="/assets/console.js" defer>` ||
			name == "meta" && strings.Contains(tag, "http-equiv") {
			t.Errorf("%s has the tag %s", what, tag)
		}
		plain := quoted.ReplaceAllString(tag, `""`)
		if handles.MatchString(plain) || strings.Contains(strings.ToLower(plain), "style=") {
			t.Errorf("%s has a handler or a style: %s", what, tag)
		}
		if scheme.MatchString(tag) {
			t.Errorf("%s leads outside: %s", what, tag)
		}
	}
	for _, r := range page {
		if hidden(r) {
			t.Errorf("%s has the character U+%04X, which nobody sees", what, r)
		}
	}
	if strings.Contains(page, "ZgotmplZ") {
		t.Errorf("%s has a value that its place refuses", what)
	}
}

// Every field of every page, whatever it holds, is text. The pages are made from
// what the desk would hand over; the desk itself lets no such name in.
func TestASpitefulNameIsOnlyText(t *testing.T) {
	r := newRoom(t)
	c, err := New(r.desk, r.log(), nil)
	r.check(err)
	// Those that only hide are tried in one; the others each by itself.
	names := slices.DeleteFunc(slices.Clone(spiteful), func(name string) bool { return !strings.ContainsAny(name, `<>'{&:]`) })
	for i, name := range append(names, spiteful[0], strings.Join(spiteful, " ")) {
		lang := []string{english, chinese}[i%2]
		for what, p := range spitefulPages(c.speech(lang), name) {
			body, err := c.render(what, p)
			r.check(err)
			harmless(t, what+" in "+lang+" with "+strconv.Quote(name), string(body))
		}
	}
}

func spitefulPages(s speech, name string) map[string]page {
	id, digest, at := envelope.ID(name), envelope.Digest(name), moment{name, name}
	brief := desk.Brief{Case: id, Terminal: id, State: name, Since: 1, Version: 1}
	row := caseRow{brief, status{"moves", "→"}, at}
	who := grounds.Approval{Signed: []trust.Approver{{Holder: id, Key: envelope.KeyID(name), Role: trust.Role(name)}}, Missing: []trust.Role{trust.Role(name)}, More: 1}
	whole := s.wholeCase(desk.Whole{
		Brief: brief, Command: digest, Binding: digest, Objects: []desk.Held{{Kind: name, N: 1, Digest: digest}},
		History: []store.Entry{{At: 1, State: name, What: name}, {At: 2, State: desk.Drafted, What: "signed by " + name + " as " + name}},
	})
	fields := []field{{name, name, name, name}}
	order := ordered{Digest: digest, Type: name, Payload: name, Fields: fields, Warns: []string{name}}
	order.Terminal, order.Action = id, id
	of := func(inside any) page {
		return page{speech: s, Title: "cases.title", Name: name, Path: name, Form: name, Inside: inside}
	}
	return map[string]page{
		"cases": of(caseList{Query: desk.Query{State: name, Terminal: name}, States: []desk.State{name}, Rows: []caseRow{row}, Next: "/cases?" + name}),
		"case":  of(whole), "live": of(whole),
		"approvals": of(signingList{Rows: []signing{{row, who, ""}, {row, who, name}}, Next: "/approvals?" + name}),
		"approval":  of(approving{desk.Collected{Case: id, Approval: who}, order, true, "", name, "/approvals/x"}),
		"terminals": of(terminalList{Rows: []terminalRow{{desk.Known{Terminal: id, Serial: id, Acquirer: id, Merchant: id, Reader: id, Bound: true, Case: id, State: name}, status{"good", "✓"}}}}),
		"log":       of(logPage{Size: 1, Checkpoint: name, Leaves: []desk.Leaf{{N: 0, Digest: digest}}}),
		"overdue": of(overduePage{
			Rows:   []overdueRow{{row, 3}},
			Alarms: []alarmRow{{store.Alarm{Kind: name, About: name}, s.told(name), at, at, []settledRow{{store.Settled{By: name, Why: name}, at}}}},
			Next:   "/overdue?" + name, NextAlarms: "/overdue?" + name,
		}),
		"refused": of(refused{name, name, name, sentence{name, true}}),
		"enter":   of(struct{ Link string }{name}), "outside": of(nil),
	}
}

// What stands in the store as free text comes through the pages as text too.
func TestSpiteInTheStoreIsOnlyText(t *testing.T) {
	r := newRoom(t)
	r.put("C-1", "T-1", desk.Issued, 1)
	r.change(func(tx *store.Tx) error {
		for _, name := range spiteful {
			if err := tx.Note("C-1", store.Entry{At: start, State: name, What: name}); err != nil {
				return err
			}
			if err := tx.PutAlarm(store.Alarm{Kind: name, About: name, What: name, Quiet: true, Settled: []store.Settled{{By: name, Why: name}}}); err != nil {
				return err
			}
		}
		return nil
	})
	for _, r.lang = range []string{"en", "zh"} {
		for _, path := range []string{"/cases/C-1", "/overdue"} {
			page := r.page(path)
			harmless(t, path, page)
			for _, shown := range []string{"&lt;script&gt;alert(1)&lt;/script&gt;", "⟦U+202E⟧gpj.exe", "a⟦U+200B⟧b", "x⟦U+001B⟧[31my"} {
				if !strings.Contains(page, shown) {
					t.Errorf("%s does not show %s", path, shown)
				}
			}
		}
	}
	for _, name := range spiteful {
		if id := envelope.ID(name); id.Valid() && name != "javascript:alert(1)" {
			t.Errorf("%q may be a name", name)
		}
	}
}

// Words that a link brings with it.
func TestSpiteInALinkIsOnlyText(t *testing.T) {
	r := newRoom(t)
	for _, path := range []string{
		"/cases?state=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "/cases?terminal=%22%3E%3Cscript%3E", "/cases?after=%3Cscript%3E&state=issued",
		"/cases?case=%3Cscript%3E", "/cases?done=%3Cscript%3E", "/cases/%3Cscript%3Ealert(1)%3C%2Fscript%3E", "/approvals/%3Cscript%3E", "/approvals?after=%E2%80%AE",
		"/terminals?after=%22onload=", "/log?before=%3Cscript%3E", "/log/proof/%3Cscript%3E", "/log/growth?from=%3Cb%3E&to=1", "/overdue?hours=%3Cscript%3E",
		"/%3Cscript%3E", "/enter?link=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&lang=%22%3E", "/cases?x=%22%3E%3Cscript%3E",
	} {
		harmless(t, path, r.get(path).body)
	}
}

func TestAnEventIsOneEvent(t *testing.T) {
	text := event("case", 7, []byte("a\nevent: x\r\n\ndata: y\rz"))
	if want := "id: 7\nevent: case\ndata: a\ndata: event: x\ndata: \ndata: data: yz\n\n"; text != want {
		t.Errorf("the event is %q, want %q", text, want)
	}
}

func TestWhatIsNotSeenIsShown(t *testing.T) {
	for text, want := range map[string]string{
		"a\tb\nc": "a\tb\nc", "x\ry": "x⟦U+000D⟧y", "x\x7fy": "x⟦U+007F⟧y", "\u00ad": "⟦U+00AD⟧", "中文，解绑": "中文，解绑", "𠮷é": "𠮷é", "\u061c\u200e\u200f": "⟦U+061C⟧⟦U+200E⟧⟦U+200F⟧",
		"\ufeff": "⟦U+FEFF⟧", "\ue000": "⟦U+E000⟧", "\U000e0001": "⟦U+E0001⟧", "a\ufe0fb": "a⟦U+FE0F⟧b", "\xff\xfe": "⟦FF⟧⟦FE⟧", "\u2060": "⟦U+2060⟧", "": "",
	} {
		if got := string(visible([]byte(text))); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}
