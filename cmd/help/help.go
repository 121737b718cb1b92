// Package help gives the command lines of the four programs in Chinese: what cobra shows
// of a program, and the choice of the language. A text is written once, in English, where
// its verb or flag is made; the Chinese stands in a catalogue by that English, so that a
// text that is reworded has none until somebody looks at it again. Errors are not of here
// but of agent/said, cobra's own as well.
//
//	help.go      the texts of a program, and a catalogue put in their place
//	language.go  which language is asked for
//	usage.go     what stands around the texts
//	flags.go     the table of flags
//	words/       cobra.json: what cobra says by itself; each program has a zh.json of its own
//	helptest/    that everything is there in Chinese
package help

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Cobra is the catalogue of what cobra says by itself, with PROGRAM and THIS for what
// varies.
//
//go:embed words/cobra.json
var Cobra []byte

// Catalogue is the Chinese of texts, by their English.
type Catalogue map[string]string

// Read takes one.
func Read(file []byte) (c Catalogue, err error) {
	if err = json.Unmarshal(file, &c); err != nil {
		return nil, fmt.Errorf("cannot read the catalogue of the help: %w", err)
	}
	return c, nil
}

// Find is the Chinese of a text, and what it stands under: a sentence that is there
// without its full stop, as the short text of a verb, needs no entry of its own.
func (c Catalogue) Find(english string) (chinese, key string) {
	if zh := c[english]; zh != "" {
		return zh, english
	}
	if bare, stop := strings.CutSuffix(english, "."); stop && c[bare] != "" {
		return c[bare] + "。", bare
	}
	return "", english
}

// InChinese puts a program's texts into Chinese by its own catalogue and cobra's. What is
// in neither stays English. Streams are set before, for cobra keeps them.
func InChinese(root *cobra.Command, catalogue []byte) error {
	own, err := Read(catalogue)
	if err != nil {
		return err
	}
	cobras, err := Read(Cobra)
	if err != nil {
		return err
	}
	for _, t := range Texts(root) {
		if zh, _ := own.Find(t.English); zh != "" {
			t.put(zh)
		} else if zh, _ := cobras.Find(t.Bare(root)); zh != "" {
			t.put(strings.ReplaceAll(zh, "PROGRAM", root.Name()))
		}
	}
	root.SetUsageFunc(usage)
	return nil
}

// Text is one text of a command line.
type Text struct {
	At      string // whose it is, as unbindctl watch --timeout
	English string
	put     func(string)
}

// Bare is a text of cobra's without the name of the program.
func (t Text) Bare(root *cobra.Command) string {
	return strings.ReplaceAll(t.English, root.Name(), "PROGRAM")
}

// Texts are all texts of a program that are shown: of each verb the short one, the
// paragraphs of the long one, and what its flags are for. Examples are what is typed, in
// both languages. What cobra adds when it runs is added here, to be among them.
func Texts(root *cobra.Command) (all []Text) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	root.InitDefaultVersionFlag()
	return of(root)
}

func of(c *cobra.Command) (all []Text) {
	c.InitDefaultHelpFlag()
	if c.Hidden {
		return nil
	}
	all = append(all, Text{c.CommandPath(), c.Short, func(zh string) { c.Short = zh }})
	parts := strings.Split(strings.TrimSpace(c.Long), "\n\n")
	for i, part := range parts {
		if part != "" && !typed(part) {
			all = append(all, Text{c.CommandPath(), part, func(zh string) {
				parts[i] = zh
				c.Long = strings.Join(parts, "\n\n")
			}})
		}
	}
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		t := Text{c.CommandPath() + " --" + f.Name, f.Usage, func(zh string) { f.Usage = zh }}
		if f.Annotations[cobra.FlagSetByCobraAnnotation] != nil {
			t.English = f.Name + " for THIS"
		}
		if !f.Hidden && c.InheritedFlags().Lookup(f.Name) == nil {
			all = append(all, t)
		}
	})
	for _, verb := range c.Commands() {
		all = append(all, of(verb)...)
	}
	return all
}

// typed says whether a paragraph is only what is typed.
func typed(part string) bool {
	for line := range strings.Lines(part) {
		if !strings.HasPrefix(line, "\t") {
			return false
		}
	}
	return true
}

// Topics has the verb help of a program refuse what is no verb, as a wrong call: where the
// root takes arguments or none, cobra shows the page of the root and says nothing.
func Topics(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		if c.Name() == "help" {
			c.Args = func(_ *cobra.Command, args []string) error {
				if verb, rest, err := root.Find(args); verb == nil || err != nil || len(rest) > 0 {
					return fmt.Errorf("unknown help topic %q", strings.Join(args, " "))
				}
				return nil
			}
		}
	}
}
