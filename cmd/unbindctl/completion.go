package main

import (
	"context"

	"github.com/spf13/cobra"
)

func (t *tool) completionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:       "completion bash|zsh|fish",
		Short:     "Write the completion script of a shell",
		Example:   "  unbindctl completion bash > /etc/bash_completion.d/unbindctl",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"bash", "zsh", "fish"},
	}
	cmd.RunE = t.verb(func(_ context.Context, args []string) error {
		switch root := cmd.Root(); args[0] {
		case "zsh":
			return root.GenZshCompletion(t.out)
		case "fish":
			return root.GenFishCompletion(t.out, true)
		default:
			return root.GenBashCompletionV2(t.out, true)
		}
	})
	return cmd
}
