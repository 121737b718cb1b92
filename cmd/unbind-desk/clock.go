package main

import (
	"github.com/spf13/cobra"

	"unbindd/agent/envelope"
)

func clockCommand() *cobra.Command {
	var dir string
	var accept bool
	cmd := &cobra.Command{
		Use:   "clock --dir DIR [--accept]",
		Short: "Show whether the desk is sure of its clock, or say that it is right",
		Long: `Show whether the desk is sure of its clock, or say that it is right.

A terminal keeps the newest time that a desk signed for it as the least its own clock
may say, for good. So a desk that finds its clock more than seven days ahead of the
last time that it knows of, or more than an hour before it, signs no time. A machine
that was off for longer is right all the same: look at the clock, then --accept.

Ends with 6 where the desk is not sure.`,
		Args: cobra.NoArgs,
		RunE: does(func(cmd *cobra.Command, _ []string) error {
			w, err := operator(dir).Clock(cmd.Context())
			if err == nil && accept {
				w, err = operator(dir).BelieveClock(cmd.Context(), w.Now)
			}
			if err != nil {
				return err
			}
			if err := show(cmd, w, func() {
				say(cmd, "%s", text{"The machine's clock: %s", "本机时钟：      %s"}.in(when(w.Now)))
				say(cmd, "%s", text{"The last time known: %s", "已知的最近时间：%s"}.in(when(w.Seen)))
			}); err != nil || w.Sure {
				return err
			}
			return envelope.Refuse("E33", "clock", "cannot tell terminals the time: the machine's clock is too far from the last time known")
		}),
	}
	dirFlag(cmd, &dir)
	cmd.Flags().BoolVar(&accept, "accept", false, "the clock is right: somebody has looked")
	return cmd
}
