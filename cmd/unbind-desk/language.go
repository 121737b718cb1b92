package main

import (
	"fmt"
	"os"

	"unbindd/agent/envelope"
	"unbindd/cmd/help"
)

// text is one sentence in both languages; both take the same arguments.
type text struct{ en, zh string }

// language is UNBIND_DESK_LANG, or what the machine says; English where neither names
// one of ours.
func language() envelope.Language {
	if help.Machine(os.Getenv, "UNBIND_DESK_LANG") {
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
