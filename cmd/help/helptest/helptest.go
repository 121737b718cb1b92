// Package helptest demands that a program's command line is there in Chinese, as whole as
// in English.
//
//	helptest.go  every text has its Chinese, and every Chinese its text
//	page.go      the pages as a person reads them
//	kept.go      what stays as it is in both languages
package helptest

import (
	"encoding/json"
	"fmt"
	"slices"
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
	found, err := texts(program(), catalogue, path)
	if err == nil {
		err = help.InChinese(program(), catalogue)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range append(found, pages(program(), catalogue)...) {
		t.Error(f)
	}
}

// texts are the findings about the texts by themselves.
func texts(root *cobra.Command, catalogue []byte, path string) (found []string, err error) {
	own, err := help.Read(catalogue)
	if err != nil {
		return nil, err
	}
	cobras, err := help.Read(help.Cobra)
	if err != nil {
		return nil, err
	}
	find := func(f string, args ...any) { found = append(found, fmt.Sprintf(f, args...)) }
	used := map[string]bool{}
	for _, text := range help.Texts(root) {
		zh, key := own.Find(text.English)
		used[key] = true
		if zh == "" {
			zh, _ = cobras.Find(text.Bare(root))
			zh = strings.ReplaceAll(zh, "PROGRAM", root.Name())
		}
		if !han(zh) {
			find("%s is not there in Chinese; add to %s:\n  %s: \"…\"", text.At, path, quote(text.English))
			continue
		}
		for _, lost := range missing(text.English, zh) {
			find("%s: its Chinese %s; put right in %s:\n  %s: \"…\"", text.At, lost, path, quote(key))
		}
	}
	for key := range own {
		switch {
		case !used[key]:
			find("no verb and no flag says this any more; take it out of %s:\n  %s", path, quote(key))
		case cobras[key] != "":
			find("%s is in cmd/help/words/cobra.json; take it out of %s", quote(key), path)
		}
	}
	slices.Sort(found)
	return slices.Compact(found), nil
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
