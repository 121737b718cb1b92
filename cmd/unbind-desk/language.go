package main

import (
	"fmt"
	"os"
	"strings"

	"unbindd/agent/envelope"
)

// text is one sentence in both languages; both take the same arguments.
type text struct{ en, zh string }

// language is UNBIND_DESK_LANG, or what LANG says of the machine; English where
// neither names one of ours.
func language() envelope.Language {
	for _, name := range []string{"UNBIND_DESK_LANG", "LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := strings.ToLower(os.Getenv(name)); v != "" {
			if strings.HasPrefix(v, "zh") {
				return envelope.Chinese
			}
			return envelope.English
		}
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
