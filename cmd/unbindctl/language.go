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

// chooseLanguage takes the flag, then UNBINDCTL_LANG, then what the machine says.
// That speaks for more than this tool, so a language that is not ours is no error
// there.
func chooseLanguage(flag string, env func(string) string) (envelope.Language, error) {
	if flag != "" {
		l, err := languageOf(flag)
		if err != nil {
			return l, misuse(fmt.Errorf("cannot use --lang: %w", err))
		}
		return l, nil
	}
	if own := env("UNBINDCTL_LANG"); own != "" {
		l, err := languageOf(own)
		if err != nil {
			return l, misconfigured(fmt.Errorf("cannot use UNBINDCTL_LANG: %w", err))
		}
		return l, nil
	}
	if help.Machine(env) {
		return envelope.Chinese, nil
	}
	return envelope.English, nil
}

// languageOf reads zh, zh-CN, zh_CN.UTF-8, en, en_GB and their like.
func languageOf(name string) (envelope.Language, error) {
	switch chinese, ours := help.Language(name); {
	case chinese:
		return envelope.Chinese, nil
	case ours:
		return envelope.English, nil
	}
	return envelope.English, fmt.Errorf("%q is neither zh nor en", name)
}

// heard is an error, or a detail that the daemon tells, in the language of the paper.
func (p *paper) heard(what string) string {
	if p.lang == envelope.Chinese {
		return catalogue.Chinese(what)
	}
	return what
}
