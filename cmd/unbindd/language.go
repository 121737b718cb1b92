package main

import (
	_ "embed"
	"errors"
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

// languageOf takes the flag, else what the machine says, which may be anything.
func languageOf(c *cobra.Command) (envelope.Language, error) {
	flag, err := c.Flags().GetString("lang")
	if err != nil {
		return envelope.English, err
	}
	l, known := language(flag)
	if !known {
		return l, errors.Join(errUsage, fmt.Errorf("cannot speak %q: --lang is en or zh", flag))
	}
	return l, nil
}

// language is what a flag names, or the machine where it names nothing; English, and not
// known, where the flag names another one.
func language(flag string) (l envelope.Language, known bool) {
	chinese, known := help.Machine(os.Getenv), true
	if flag != "" {
		chinese, known = help.Language(flag)
	}
	if chinese {
		return envelope.Chinese, known
	}
	return envelope.English, known
}

// asked is the language of a command line that may not hold.
func asked(args []string) envelope.Language {
	l, _ := language(help.Asked(args))
	return l
}

// say writes one line in the language of whoever called.
func say(c *cobra.Command, t words, args ...any) error {
	l, err := languageOf(c)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.OutOrStdout(), t.in(l, args...))
	return err
}
