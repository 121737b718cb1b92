package main

import (
	_ "embed"
	"fmt"

	"unbindd/agent/envelope"
	catalogue "unbindd/agent/said"
	"unbindd/cmd/help"
)

// chineseHelp is the help in Chinese, by its English.
//
//go:embed words/zh.json
var chineseHelp []byte

// words is one text in both languages; the verbs of both take the same
// arguments.
type words struct{ en, zh string }

func (w words) in(l envelope.Language) string {
	if l == envelope.Chinese {
		return w.zh
	}
	return w.en
}

// fill puts the same arguments into both languages.
func (w words) fill(args ...any) words {
	return words{fmt.Sprintf(w.en, args...), fmt.Sprintf(w.zh, args...)}
}

// spoken is the language of a command line, which may not hold: --lang, then
// UNBINDCTL_LANG, then what the machine says.
func spoken(args []string, env func(string) string) envelope.Language {
	if help.Wanted(args, env, "UNBINDCTL_LANG") {
		return envelope.Chinese
	}
	return envelope.English
}

// checkLanguage refuses a language that is none of ours where it was named to this tool.
// The machine speaks for more than this tool, so it may name any.
func checkLanguage(flag string, env func(string) string) error {
	name, where, wrong := flag, "--lang", misuse
	if flag == "" {
		name, where, wrong = env("UNBINDCTL_LANG"), "UNBINDCTL_LANG", misconfigured
	}
	if _, ours := help.Language(name); name != "" && !ours {
		return wrong(fmt.Errorf("cannot use %s: %q is neither zh nor en", where, name))
	}
	return nil
}

// heard is an error, or a detail that the daemon tells, in the language of the paper.
func (p *paper) heard(what string) string {
	if p.lang == envelope.Chinese {
		return catalogue.Chinese(what)
	}
	return what
}
