package main

import (
	"fmt"
	"os"

	"unbindd/agent/envelope"
	"unbindd/cmd/help"
)

// text is one sentence in both languages; both take the same arguments.
type text struct{ en, zh string }

// ownLanguage is the variable that speaks for this program alone.
const ownLanguage = "UNBIND_DESK_LANG"

// heed settles for the whole process, as its own variable, which language is wanted.
func heed(args []string) error {
	name := "en"
	if help.Wanted(args, os.Getenv, ownLanguage) {
		name = "zh"
	}
	return os.Setenv(ownLanguage, name)
}

// language is that one, or what the machine says; English where neither names one of ours.
func language() envelope.Language {
	if help.Machine(os.Getenv, ownLanguage) {
		return envelope.Chinese
	}
	return envelope.English
}

// in fills a sentence in the language of whoever reads.
func (t text) in(args ...any) string {
	if language() == envelope.Chinese {
		return fmt.Sprintf(t.zh, args...)
	}
	return fmt.Sprintf(t.en, args...)
}
