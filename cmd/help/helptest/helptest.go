// Package helptest demands that a program's command line is there in Chinese, as whole as
// in English.
//
//	helptest.go  every text has its Chinese, and every Chinese its text
//	kept.go      what stays as it is in both languages
package helptest

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/spf13/cobra"

	"unbindd/cmd/help"
)

// Whole fails where a verb or a flag of a program has a text that is not in the catalogue
// at path, from the top of the module, or lost something on its way there; where an entry
// is of no text any more; and where help in Chinese shows English words of cobra's.
func Whole(t *testing.T, program func() *cobra.Command, catalogue []byte, path string) {
	t.Helper()
	root := program()
	own, cobras := read(t, catalogue), read(t, help.Cobra)
	used := map[string]bool{}
	for _, text := range help.Texts(root) {
		zh, key := own.Find(text.English)
		used[key] = true
		if zh == "" {
			zh, _ = cobras.Find(text.Bare(root))
			zh = strings.ReplaceAll(zh, "PROGRAM", root.Name())
		}
		if !han(zh) {
			t.Errorf("%s is not there in Chinese. Add to %s:\n  %s: \"…\"", text.At, path, quote(text.English))
			continue
		}
		for _, lost := range missing(text.English, zh) {
			t.Errorf("%s: in %s the Chinese of %s %s", text.At, path, quote(key), lost)
		}
	}
	for key := range own {
		if !used[key] {
			t.Errorf("no verb and no flag says this any more; take it out of %s:\n  %s", path, quote(key))
		}
		if cobras[key] != "" {
			t.Errorf("%s is cobra's and stands in cmd/help/words/cobra.json; take it out of %s", quote(key), path)
		}
	}
	shown(t, program, catalogue)
}

func read(t *testing.T, file []byte) help.Catalogue {
	t.Helper()
	c, err := help.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// left are words that cobra, or a text that was passed over, would leave in a page.
var left = []string{"Usage:", "Flags:", "Examples:", "Aliases:", "Available", "[flags]", "[command]", "(default", "help for", "version for", " the ", " for more", " string ", " stringArray ", " strings ", " int ", " uint ", " duration "}

// shown reads the pages as a person does.
func shown(t *testing.T, program func() *cobra.Command, catalogue []byte) {
	t.Helper()
	var page strings.Builder
	root := program()
	root.SetOut(&page)
	root.SetErr(&page)
	if err := help.InChinese(root, catalogue); err != nil {
		t.Fatal(err)
	}
	var look func(c *cobra.Command)
	look = func(c *cobra.Command) {
		page.Reset()
		if err := c.Help(); err != nil || !han(page.String()) || !strings.Contains(page.String(), "用法：") {
			t.Errorf("the help of %s in Chinese: %v\n%s", c.CommandPath(), err, page.String())
		}
		for _, en := range left {
			if strings.Contains(page.String(), en) {
				t.Errorf("the help of %s in Chinese still says %q:\n%s", c.CommandPath(), en, page.String())
			}
		}
		for line := range strings.Lines(c.Example) {
			if !strings.HasPrefix(line, "  ") || han(line) {
				t.Errorf("an example is what is typed, in both languages, and %s has %q", c.CommandPath(), line)
			}
		}
		for _, verb := range c.Commands() {
			look(verb)
		}
	}
	look(root)
}

func han(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

// quote is a text as it stands in a catalogue.
func quote(text string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(b.String())
}
