package main

import (
	_ "embed"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"unbindd/agent/envelope"
	"unbindd/agent/said"
	"unbindd/cmd/help"
)

// chineseHelp is the help in Chinese, by its English.
//
//go:embed words/zh.json
var chineseHelp []byte

// words are one sentence in both languages; both take the same arguments.
type words struct{ en, zh string }

// in fills a sentence in a language.
func (t words) in(l envelope.Language, args ...any) string {
	if l == envelope.Chinese {
		return fmt.Sprintf(t.zh, args...)
	}
	return fmt.Sprintf(t.en, args...)
}

// heard is an error, or what a part of the house says, in a language.
func heard(l envelope.Language, what string) string {
	if l == envelope.Chinese {
		return said.Chinese(what)
	}
	return what
}

// spoken is the language of a command line, which may not hold.
func spoken(args []string) envelope.Language {
	if help.Wanted(args, os.Getenv) {
		return envelope.Chinese
	}
	return envelope.English
}

// languageOf is the language of a verb: --lang was refused by now where it names none of
// ours.
func languageOf(c *cobra.Command) envelope.Language {
	return spoken([]string{"--lang=" + c.Flag("lang").Value.String()})
}

// say writes one line in the language of whoever called.
func say(c *cobra.Command, t words, args ...any) error {
	_, err := fmt.Fprintln(c.OutOrStdout(), t.in(languageOf(c), args...))
	return err
}
