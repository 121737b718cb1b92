package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"unbindd/agent/envelope"
)

func (t *tool) manCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "man FOLDER",
		Short: "Write the manual pages into a folder",
		Long: `Write one manual page a verb into a folder, which is made if it is not there.
SOURCE_DATE_EPOCH fixes the date of the pages.

The pages are in the language of answers: with --lang zh they belong into a
folder such as /usr/share/man/zh_CN/man1.`,
		Args: cobra.ExactArgs(1),
	}
	cmd.RunE = t.verb(func(_ context.Context, args []string) error {
		if err := os.MkdirAll(args[0], 0o755); err != nil {
			return fmt.Errorf("cannot make the folder: %w", err)
		}
		if err := t.manual(cmd.Root(), args[0]); err != nil {
			return fmt.Errorf("cannot write the manual pages: %w", err)
		}
		return nil
	})
	return cmd
}

// headings are what stands around the texts of a page.
var headings = strings.NewReplacer(
	".SH NAME\n", ".SH 名称\n", ".SH SYNOPSIS\n", ".SH 概要\n", ".SH DESCRIPTION\n", ".SH 说明\n", ".SH OPTIONS\n", ".SH 选项\n",
	".SH OPTIONS INHERITED FROM PARENT COMMANDS\n", ".SH 全局选项\n", ".SH EXAMPLE\n", ".SH 示例\n", ".SH SEE ALSO\n", ".SH 另见\n",
	"[flags]", "[选项]", "[command]", "[动词]",
)

// manual writes the page of a verb and those of the verbs below it.
func (t *tool) manual(c *cobra.Command, folder string) error {
	for _, verb := range c.Commands() {
		if verb.IsAvailableCommand() && !verb.IsAdditionalHelpTopicCommand() {
			if err := t.manual(verb, folder); err != nil {
				return err
			}
		}
	}
	c.DisableAutoGenTag = true
	var page strings.Builder
	if err := doc.GenMan(c, &doc.GenManHeader{Section: "1", Source: "unbindd " + version, Manual: "unbindd"}, &page); err != nil {
		return err
	}
	text := page.String()
	if t.out.lang == envelope.Chinese {
		text = headings.Replace(text)
	}
	return os.WriteFile(filepath.Join(folder, strings.ReplaceAll(c.CommandPath(), " ", "-")+".1"), []byte(text), 0o644)
}
