package console

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"unbindd/agent/said"
	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/store"
)

func readCatalogue(t *testing.T, lang string) map[string]any {
	t.Helper()
	text, err := catalogue.ReadFile("words/" + lang + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var words map[string]any
	if err := json.Unmarshal(text, &words); err != nil {
		t.Fatal(err)
	}
	return words
}

func TestBothCataloguesHaveTheSameKeys(t *testing.T) {
	en, zh := readCatalogue(t, english), readCatalogue(t, chinese)
	holes := regexp.MustCompile(`\{\{\.[A-Z]\}\}`)
	for key, word := range en {
		other, ok := zh[key]
		if !ok {
			t.Errorf("%s has no Chinese", key)
			continue
		}
		a, b := fmt.Sprint(word), fmt.Sprint(other)
		if !strings.Contains(b, "other:") && a == b {
			t.Errorf("%s is the same in both languages: %s", key, a)
		}
		for _, hole := range holes.FindAllString(b, -1) {
			if !strings.Contains(a, hole) {
				t.Errorf("%s has %s in Chinese alone", key, hole)
			}
		}
	}
	for key := range zh {
		if _, ok := en[key]; !ok {
			t.Errorf("%s has no English", key)
		}
	}
}

// keyed are the kinds whose keys are put together from a word of the house.
var keyed = []string{"state", "means", "waits", "phase", "object", "action", "gate", "level", "scope", "reason", "role", "field", "alarm", "term", "menu"}

// Every key that a page or the code names is in the catalogue, and the catalogue
// has no other.
func TestEveryKeyIsUsed(t *testing.T) {
	words := readCatalogue(t, english)
	used := map[string]bool{}
	named := regexp.MustCompile(`"([a-z]+(?:\.[a-z-]+)+|brand|skip|menu|leave|foot|pages)"`)
	for _, pattern := range []string{"pages/*.html", "*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range named.FindAllStringSubmatch(string(text), -1) {
				used[m[1]] = true
			}
		}
	}
	for _, what := range []string{"collected", "known", "published", "withdrawn"} {
		used["done."+what] = true
	}
	for key := range words {
		kind, _, _ := strings.Cut(key, ".")
		if !used[key] && !slices.Contains(keyed, kind) {
			t.Errorf("nothing uses %s", key)
		}
	}
	others := []string{"console.css", "console.js", "checkpoint.txt", "growth.txt", "backup.gate"} // look like keys
	for key := range used {
		if _, ok := words[key]; !ok && !slices.Contains(others, key) {
			t.Errorf("%s is named, and is no key", key)
		}
	}
	for _, state := range desk.States {
		for _, kind := range []string{"state", "means"} {
			if words[kind+"."+state] == nil {
				t.Errorf("there is no word for %s of a case that is %s", kind, state)
			}
		}
	}
}

func TestTheLanguageIsTheBrowsersOrTheOneChosen(t *testing.T) {
	r := newRoom(t)
	for asked, want := range map[string]string{
		"": "en", "en-GB,en;q=0.9": "en", "zh-CN,zh;q=0.9,en;q=0.8": "zh-CN", "zh": "zh-CN", "zh-TW": "zh-CN", "zh-Hans-SG": "zh-CN",
		"de,zh;q=0.5": "zh-CN", "fr": "en", "%%%": "en", "en;q=0.1,zh;q=0.9": "zh-CN",
	} {
		r.lang = asked
		a := r.get("/cases")
		a.want(t, http.StatusOK, `<html lang="`+want+`">`)
		if got := a.header.Get("Content-Language"); got != want {
			t.Errorf("for %q the page says it is %s", asked, got)
		}
	}
	r.lang = "en"
	a := r.do(r.form("/language", url.Values{"form": {formToken(r.cookie)}, "lang": {"zh-CN"}, "back": {"/log"}}))
	cookie, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
	r.check(err)
	req := r.request(http.MethodGet, a.header.Get("Location"), nil)
	req.AddCookie(cookie)
	r.do(req).want(t, http.StatusOK, `<html lang="zh-CN">`, "最新检查点")
	req = r.request(http.MethodGet, "/cases", nil)
	req.AddCookie(&http.Cookie{Name: languageCookie, Value: "xx"})
	r.do(req).want(t, http.StatusOK, `<html lang="en">`)
}

// Every page in every language: no word is missing, and the page says which
// language it is in.
func TestEveryPageInBothLanguages(t *testing.T) {
	r := newRoom(t)
	r.put("C-1", "T-1", desk.Closed, 1)
	r.draft(order("C-2"))
	r.change(func(tx *store.Tx) error {
		for i, state := range desk.States {
			if err := tx.Note("C-1", store.Entry{At: start + int64(i), State: state, What: "answer accepted none"}); err != nil {
				return err
			}
		}
		return tx.PutAlarm(store.Alarm{Kind: desk.Zombie, About: "SN-1", What: "this serial number was retired in case C-1 and shows up again as terminal T-9"})
	})
	sayings := []string{"终端答复：已接受（无）", "该序列号已在案件 C-1 中注销"}
	for lang, accept := range map[string]string{english: "en", chinese: "zh"} {
		r.lang = accept
		all := ""
		for _, path := range append(readable, "/enter?link=x") {
			if strings.Contains(path, "/log/") || strings.HasSuffix(path, "/draft") {
				continue
			}
			page := r.get(path).body
			all += page
			if !strings.Contains(page, `<html lang="`+lang+`">`) || strings.Contains(page, "⟦") {
				t.Errorf("%s in %s: %s", path, lang, page)
			}
			for _, mark := range []string{`<main id="main"`, `<h1>`, `class="skip" href="#main"`, "<title>"} {
				if !strings.Contains(page, mark) {
					t.Errorf("%s in %s has no %s", path, lang, mark)
				}
			}
			if strings.Count(page, "<h1") != 1 {
				t.Errorf("%s in %s has %d main headings", path, lang, strings.Count(page, "<h1"))
			}
		}
		for _, saying := range sayings {
			if strings.Contains(all, saying) != (lang == chinese) {
				t.Errorf("in %s, %q is in the wrong place", lang, saying)
			}
		}
	}
}

// Every sentence that the desk writes into a history has its Chinese.
func TestTheDesksSentencesAreTold(t *testing.T) {
	r := newRoom(t)
	c, err := New(r.desk, r.log(), nil)
	r.check(err)
	s := c.speech(chinese)
	const part = `(?:"[^"]*"|[A-Za-z.]+(?:\([^()]*\))?)`
	written := regexp.MustCompile(`(?:note|noted|raise)\(.*, (` + part + `(?: ?\+ ?` + part + `)*)\)|What: (` + part + `)\}`)
	varies := regexp.MustCompile(`^[A-Za-z.]+(\([^()]*\))?$`)
	n := 0
	r.check(fs.WalkDir(os.DirFS("../desk"), ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := os.ReadFile(filepath.Join("../desk", name))
		for _, m := range written.FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(m[1]+m[2], `"`) {
				continue // it hands a sentence on
			}
			said := ""
			for _, piece := range strings.Split(m[1]+m[2], "+") {
				if piece = strings.TrimSpace(piece); varies.MatchString(piece) {
					piece = map[bool]string{true: "cancel", false: "x"}[piece == "kind"]
				}
				said += strings.Trim(piece, `"`)
			}
			n++
			if told := s.told(said); told.English {
				t.Errorf("%s writes %q, which has no Chinese", name, said)
			}
		}
		return err
	}))
	if n < 12 {
		t.Errorf("found %d sentences in package desk, want at least 12: the test does not see them", n)
	}
}

// The console and the verbs say the same Chinese of the same thing.
func TestTheConsoleAndTheVerbsSayTheSame(t *testing.T) {
	n := 0
	for key, word := range readCatalogue(t, chinese) {
		kind, name, _ := strings.Cut(key, ".")
		if kind != "state" && kind != "object" {
			continue
		}
		n++
		if got := said.Word(name); got != word {
			t.Errorf("%s is %v here, and %s at the verbs", key, word, got)
		}
	}
	r := newRoom(t)
	c, err := New(r.desk, r.log(), nil)
	r.check(err)
	s := c.speech(chinese)
	for _, what := range []string{
		"command drafted", "signed by Li as x", "answer accepted x", "answer refused E17:profile", "cancel published", "certificate complete, reader erased",
		"certificate 1 rejected by Li as x", "this serial number was retired in case C-1 and shows up again as terminal T-9",
	} {
		if here, there := s.told(what).Text, said.Chinese(what); here != there {
			t.Errorf("%q is %s here, and %s at the verbs", what, here, there)
		}
	}
	if n < 25 {
		t.Errorf("%d words were compared", n)
	}
}
