package main

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/spf13/cobra"
)

func han(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

// Every verb has its short text, its long one and each of its flags in Chinese, and the
// catalogue has no text that is nowhere any more.
func TestEveryVerbIsHelpedInChinese(t *testing.T) {
	var words helpWords
	if err := json.Unmarshal(chineseHelp, &words); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	need := func(where, en string) {
		used[en] = true
		if !han(words.Texts[en]) {
			t.Errorf("%s: no Chinese for %q", where, en)
		}
	}
	var look func(c *cobra.Command)
	look = func(c *cobra.Command) {
		need(c.CommandPath(), c.Short)
		if c.Name() == "completion" || c.Name() == "help" {
			return
		}
		if c.Long != "" && !han(words.Long[c.CommandPath()]) {
			t.Errorf("%s: its long text is not there in Chinese", c.CommandPath())
		}
		for _, m := range shown.FindAllStringSubmatch(c.LocalFlags().FlagUsages(), -1) {
			need(c.CommandPath()+" --"+m[1], c.LocalFlags().Lookup(m[1]).Usage)
		}
		delete(words.Long, c.CommandPath())
		for _, sub := range c.Commands() {
			look(sub)
		}
	}
	root := rootCommand()
	own(root)
	root.Flags().Lookup("version").Usage = root.Short // its own name is in it
	look(root)
	for en := range words.Texts {
		if !used[en] {
			t.Errorf("nobody says %q any more", en)
		}
	}
	for path := range words.Long {
		t.Errorf("there is no verb %s with a long text", path)
	}
}

// What a person reads who asks for help in Chinese has no English sentence left in it:
// neither the texts nor what stands around them.
func TestHelpInChinese(t *testing.T) {
	t.Setenv("UNBIND_DESK_LANG", "zh")
	for _, args := range [][]string{{"--help"}, {"issue", "--help"}, {"trust", "draft", "--help"}, {"cases", "--help"}} {
		out, _, exit := verb(t, args...)
		if exit != exitDone || !han(out) {
			t.Fatalf("%v: exit %d, %s", args, exit, out)
		}
		for _, en := range []string{"Usage:", "Flags:", "Available", "Examples:", "help for", " the ", "for more"} {
			if strings.Contains(out, en) {
				t.Errorf("%v still says %q:\n%s", args, en, out)
			}
		}
	}
}
