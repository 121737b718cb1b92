package main

import (
	"context"

	"github.com/spf13/cobra"
)

func (t *tool) cancelCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "cancel FILE|-",
		Short: "Hand in a signed cancel of the running unbinding",
		Long: `Hand a signed cancel to the daemon. Until the point of no return it undoes what
was done and the terminal trades again; afterwards it is refused (exit code 6).`,
		Args: cobra.ExactArgs(1),
		RunE: t.question(func(ctx context.Context, args []string) error { return t.hand(ctx, args[0], t.client.Cancel) }),
	}
}
