package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"unbindd/agent/envelope"
)

// chineseHelp is the help in Chinese: short texts and flags by their English, long texts
// by the verb.
//
//go:embed words/zh.json
var chineseHelp []byte

// helpWords are what chineseHelp holds.
type helpWords struct {
	Texts map[string]string `json:"texts"`
	Long  map[string]string `json:"long"`
}

// frame is what the help has around the texts of a verb.
var frame = []text{
	{"Usage:", "用法："}, {"Aliases:", "别名："}, {"Examples:", "示例："}, {"Available Commands:", "可用动词："}, {"Additional Commands:", "其他动词："},
	{"Global Flags:", "全局选项："}, {"Flags:", "选项："}, {"Additional help topics:", "其他帮助："},
	{`Use "{{.CommandPath}} [command] --help" for more information about a command.`, `用 "{{.CommandPath}} [command] --help" 查看各动词的说明。`},
}

// helped gives every verb its help in the language of whoever reads.
func helped(root *cobra.Command) error {
	if language() != envelope.Chinese {
		return nil
	}
	var words helpWords
	if err := json.Unmarshal(chineseHelp, &words); err != nil {
		return fmt.Errorf("cannot read the help: %w", err)
	}
	usage := root.UsageTemplate()
	for _, t := range frame {
		usage = strings.ReplaceAll(usage, t.en, t.zh)
	}
	root.SetUsageTemplate(usage)
	own(root)
	words.into(root)
	return nil
}

// own makes what cobra adds by itself, so that it is there to be put into words. What the
// verb completion says to a shell's administrator stays English.
func own(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	root.InitDefaultVersionFlag()
}

// shown finds the flags of a verb's help by their names.
var shown = regexp.MustCompile(`(?m)^ .*?--([a-z-]+)`)

func (w helpWords) into(c *cobra.Command) {
	c.InitDefaultHelpFlag()
	if zh, ok := w.Texts[c.Short]; ok {
		c.Short = zh
	}
	if zh, ok := w.Long[c.CommandPath()]; ok {
		c.Long = zh
	}
	for _, m := range shown.FindAllStringSubmatch(c.LocalFlags().FlagUsages(), -1) {
		f := c.LocalFlags().Lookup(m[1])
		if zh, ok := w.Texts[f.Usage]; ok {
			f.Usage = zh
		}
		switch f.Name {
		case "help":
			f.Usage = "显示此动词的帮助"
		case "version":
			f.Usage = "显示版本"
		}
	}
	for _, sub := range c.Commands() {
		w.into(sub)
	}
}

// spoken is the flag --lang. What it says is heeded before anything is said at all.
type spoken string

// Set refuses a language that is none of ours.
func (s *spoken) Set(name string) error {
	if name != "zh" && name != "en" {
		return fmt.Errorf("%q is neither zh nor en", name)
	}
	*s = spoken(name)
	return nil
}

func (s *spoken) String() string { return string(*s) }

// Type is what the help calls the value.
func (s *spoken) Type() string { return "zh|en" }

// heed takes --lang out of the arguments for the whole process, as UNBIND_DESK_LANG.
func heed(args []string) error {
	for i, arg := range args {
		name, given := strings.CutPrefix(arg, "--lang=")
		switch {
		case arg == "--":
			return nil
		case arg == "--lang" && i+1 < len(args):
			name, given = args[i+1], true
		}
		if given {
			return os.Setenv("UNBIND_DESK_LANG", name)
		}
	}
	return nil
}
