package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

func publishCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "publish --dir DIR FILE",
		Short: "Hand a signed order to the running desk",
		Long: `Hand a signed command, papers, cancel, amend, close, trust bundle or profile to
the running desk.

The desk verifies it against its trust: who must sign what is in the bundle's
rules, and people are counted, not keys. Then it is offered to its terminal, which
is woken if it waits. The same file again changes nothing.`,
		Args: cobra.ExactArgs(1),
		RunE: does(func(c *cobra.Command, args []string) error {
			body, err := os.ReadFile(args[0])
			if err != nil {
				return fmt.Errorf("cannot read the order: %w", err)
			}
			done, err := operator(dir).Publish(c.Context(), body)
			if err != nil {
				return err
			}
			return show(c, done, func() {
				say(c, "Published: %s %s", done.Kind, done.Digest)
				if done.Case != "" {
					say(c, "Case %s is %s.", done.Case, done.State)
				}
			})
		}),
	}
	dirFlag(c, &dir)
	return c
}
