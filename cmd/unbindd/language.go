package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"unbindd/agent/envelope"
	"unbindd/agent/said"
)

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
	asked := cmp.Or(flag, os.Getenv("LC_ALL"), os.Getenv("LC_MESSAGES"), os.Getenv("LANG"))
	bare, _, _ := strings.Cut(strings.ToLower(asked), "_")
	bare, _, _ = strings.Cut(bare, "-")
	bare, _, _ = strings.Cut(bare, ".")
	if bare == "zh" {
		return envelope.Chinese, true
	}
	return envelope.English, flag == "" || bare == "en"
}

// asked finds --lang in a command line that may not hold, so that its error, too, is told
// in the language that was asked for.
func asked(args []string) envelope.Language {
	flag := ""
	for i, arg := range args {
		if name, given := strings.CutPrefix(arg, "--lang="); given {
			flag = name
		}
		if arg == "--lang" && i+1 < len(args) {
			flag = args[i+1]
		}
	}
	l, _ := language(flag)
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
