package main

import (
	"context"

	"github.com/spf13/cobra"

	"unbindd/agent/local"
)

func (t *tool) challengeCommand() *cobra.Command {
	var draw bool
	cmd := &cobra.Command{
		Use:   "challenge",
		Short: "Issue a challenge that a command can be made for",
		Long: `Issue a new challenge and show it as text and as a QR code. A command made for
it needs no clock. An older challenge dies by this. With --quiet only the text.`,
		Args: cobra.NoArgs,
		RunE: t.question(func(ctx context.Context, _ []string) error { return t.challenge(ctx, draw) }),
	}
	cmd.Flags().BoolVar(&draw, "qr", true, "draw the QR code")
	return cmd
}

func (t *tool) challenge(ctx context.Context, draw bool) error {
	ch, err := ask(ctx, t.client.Challenge)
	switch {
	case err != nil:
		return err
	case t.json:
		return t.out.json(ch)
	case t.quiet:
		t.out.plain("%s", ch.Text)
		return nil
	}
	return t.showChallenge(ch, draw)
}

func (t *tool) showChallenge(ch local.Challenge, draw bool) error {
	t.out.line(words{"Challenge for terminal %s, enrolment %d, trust version %d, last command %d:",
		"终端 %s 的挑战码，登记号 %d，信任包版本 %d，上一指令号 %d："}, ch.Terminal, ch.Epoch, ch.Trust, ch.Seq)
	if draw {
		lines, err := qrLines(ch.Text, t.screen.live && !t.noColor)
		if err != nil {
			return err
		}
		for _, line := range lines {
			t.out.raw(line + "\n")
		}
	}
	t.out.plain("%s", ch.Text)
	t.out.next(t.out.in(words{"have a command made for it, then: unbindctl load FILE", "据此签发指令，然后运行：unbindctl load 文件"}))
	return nil
}
