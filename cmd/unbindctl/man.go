package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func (t *tool) manCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "man FOLDER",
		Short: "Write the manual pages into a folder",
		Long: `Write one manual page a verb into a folder, which is made if it is not there.
SOURCE_DATE_EPOCH fixes the date of the pages.`,
		Args: cobra.ExactArgs(1),
	}
	cmd.RunE = t.verb(func(_ context.Context, args []string) error {
		if err := os.MkdirAll(args[0], 0o755); err != nil {
			return fmt.Errorf("cannot make the folder: %w", err)
		}
		root := cmd.Root()
		root.DisableAutoGenTag = true
		head := &doc.GenManHeader{Section: "1", Source: "unbindd " + version, Manual: "unbindd"}
		if err := doc.GenManTree(root, head, args[0]); err != nil {
			return fmt.Errorf("cannot write the manual pages: %w", err)
		}
		return nil
	})
	return cmd
}
