package main

import (
	"github.com/spf13/cobra"

	"unbindd/cmd/unbind-desk/internal/desk"
)

func capsCommand() *cobra.Command {
	var dir string
	var c desk.Caps
	cmd := &cobra.Command{
		Use:   "caps --dir DIR [--signer N] [--day N]",
		Short: "Show or set how many commands may be published in a day",
		Long: `Show or set how many commands may be published in a day (UTC): with one person's
signature, and in all. 0 is no cap; what is not named stays as it is. Where they were never set, 100 and 500
hold. The last hundred changes are kept, and the desk's log has a line for each.

The caps are kept in the store, so every desk that serves it holds to the same.`,
		Args: cobra.NoArgs,
		RunE: does(func(cmd *cobra.Command, _ []string) error {
			now, err := operator(dir).Caps(cmd.Context())
			if err != nil {
				return err
			}
			if next := named(cmd, "signer", "day", c, now.Caps); next != now.Caps {
				if next.Signer < 0 || next.Day < 0 {
					return misuse("cannot use a cap below 0")
				}
				if err := operator(dir).SetCaps(cmd.Context(), next); err != nil {
					return err
				}
				if now, err = operator(dir).Caps(cmd.Context()); err != nil {
					return err
				}
			}
			return show(cmd, now, func() {
				say(cmd, "%s", text{"A day and person: %d", "每日每人：%d"}.in(now.Signer))
				say(cmd, "%s", text{"A day in all:     %d", "每日总数：%d"}.in(now.Day))
				for _, set := range now.Set {
					say(cmd, "%s", text{"  set at %s: %d a day and person, %d in all", "  设定于 %s：每日每人 %d，每日总数 %d"}.in(when(set.At), set.Signer, set.Day))
				}
			})
		}),
	}
	dirFlag(cmd, &dir)
	cmd.Flags().Int64Var(&c.Signer, "signer", 0, "most commands a day with one person's signature; 0 is no cap")
	cmd.Flags().Int64Var(&c.Day, "day", 0, "most commands a day in all; 0 is no cap")
	return cmd
}

// named takes over those of the wanted caps whose flags were given.
func named(cmd *cobra.Command, signer, day string, want, have desk.Caps) desk.Caps {
	if cmd.Flags().Changed(signer) {
		have.Signer = want.Signer
	}
	if cmd.Flags().Changed(day) {
		have.Day = want.Day
	}
	return have
}
