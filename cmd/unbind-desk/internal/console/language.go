package console

import (
	"embed"
	"net/http"
	"strings"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"

	"unbindd/agent/envelope"
)

//go:embed words/*.json
var catalogue embed.FS

// The languages of the console, by the file of the catalogue and the attribute of
// the page.
const (
	english = "en"
	chinese = "zh-CN"
)

// languageCookie keeps the choice; it says nothing about anybody.
const languageCookie = "unbindd-language"

func spoken(lang string) bool { return lang == english || lang == chinese }

// catalogues reads both languages.
func catalogues() (*i18n.Bundle, error) {
	b := i18n.NewBundle(language.English)
	for _, lang := range []string{english, chinese} {
		if _, err := b.LoadMessageFileFS(catalogue, "words/"+lang+".json"); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// speech is one language with its words.
type speech struct {
	Lang  string
	words *i18n.Localizer
}

func (c *Console) speech(lang string) speech {
	return speech{lang, i18n.NewLocalizer(c.words, lang)}
}

var matcher = language.NewMatcher([]language.Tag{language.English, language.SimplifiedChinese})

// speechFor takes the choice that was made here, else what the browser asks for.
func (c *Console) speechFor(r *http.Request) speech {
	if cookie, err := r.Cookie(languageCookie); err == nil && spoken(cookie.Value) {
		return c.speech(cookie.Value)
	}
	tags, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if _, i, sure := matcher.Match(tags...); err == nil && sure != language.No && i == 1 {
		return c.speech(chinese)
	}
	return c.speech(english)
}

// T is a text of the catalogue. A key that is missing shows, and a test finds it.
func (s speech) T(key string) string {
	text, err := s.words.Localize(&i18n.LocalizeConfig{MessageID: key})
	if err != nil {
		return missing(key)
	}
	return text
}

// missing stands where the catalogue has no text.
func missing(key string) string { return "⟦" + key + "⟧" }

// Of is a text with words in it.
func (s speech) Of(key string, words ...any) string {
	with := map[string]any{}
	for i, w := range words {
		with[string(rune('A'+i))] = w
	}
	text, err := s.words.Localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: with})
	if err != nil {
		return missing(key)
	}
	return text
}

// Around is a text of which n words are marked up by the page, in pieces: what stands before
// the first, between them, and behind the last.
func (s speech) Around(key string, n int) []string {
	spots := make([]any, n)
	for i := range spots {
		spots[i] = "\x00"
	}
	pieces := strings.Split(s.Of(key, spots...), "\x00")
	for len(pieces) <= n {
		pieces = append(pieces, missing(key))
	}
	return pieces
}

// N is a text with a number in it.
func (s speech) N(key string, n any) string {
	text, err := s.words.Localize(&i18n.LocalizeConfig{MessageID: key, PluralCount: n, TemplateData: map[string]any{"N": n}})
	if err != nil {
		return missing(key)
	}
	return text
}

// Word is what a fixed word of the house is called, itself where it has no name.
func (s speech) Word(kind string, word any) string {
	text := asText(word)
	name, err := s.words.Localize(&i18n.LocalizeConfig{MessageID: kind + "." + text})
	if err != nil {
		return text
	}
	return name
}

// Other is the language that the switch leads to.
func (s speech) Other() string {
	if s.Lang == chinese {
		return english
	}
	return chinese
}

// OtherName is what that language calls itself.
func (s speech) OtherName() string {
	if s.Lang == chinese {
		return "English"
	}
	return "中文"
}

func (s speech) code() envelope.Language {
	if s.Lang == chinese {
		return envelope.Chinese
	}
	return envelope.English
}

// language remembers the choice and leads back.
func (c *Console) language(w http.ResponseWriter, r *http.Request, _ *visit) error {
	if lang := r.PostForm.Get("lang"); spoken(lang) {
		setLanguage(w, lang)
	}
	return turn(w, r, ownPath(r.PostForm.Get("back")))
}

func setLanguage(w http.ResponseWriter, lang string) {
	http.SetCookie(w, &http.Cookie{
		Name: languageCookie, Value: lang, Path: "/", MaxAge: 365 * 24 * 60 * 60, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}

// ownPath is a path of the console, or its first page: a form leads nowhere else.
func ownPath(path string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") {
		return "/cases"
	}
	return path
}
