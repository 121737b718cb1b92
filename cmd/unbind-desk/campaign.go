package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/campaign"
	"unbindd/cmd/unbind-desk/internal/desk"
)

func campaignCommand() *cobra.Command {
	var out string
	var valid time.Duration
	c := &cobra.Command{
		Use:   "campaign --out FILE ORDER...",
		Short: "Write the unsigned approval of many drafted commands, with their number - offline",
		Long: `Write the unsigned approval of many drafted commands, with their number - offline.

Each command is signed by its own people as always. Operations, security and
release sign the campaign besides (three people): so many terminals, and exactly
these commands. publish --campaign then publishes all of them or none, whatever
the desk's caps.`,
		Args: cobra.MinimumNArgs(1),
		RunE: does(func(c *cobra.Command, files []string) error {
			if err := vacant(out); err != nil {
				return err
			}
			var digests []envelope.Digest
			var terminals []envelope.ID
			for _, file := range files {
				e, said, err := readCommand(file)
				if err != nil {
					return err
				}
				digests, terminals = append(digests, e.Digest()), append(terminals, said.Terminal)
			}
			from := time.Now()
			made, err := campaign.Over(digests, from.Unix(), from.Add(valid).Unix())
			if err != nil {
				return err
			}
			e, err := envelope.Seal(envelope.Type(campaign.Kind), made)
			if err != nil {
				return err
			}
			if err := keepNew(out, e.Encode()); err != nil {
				return err
			}
			told := map[string]any{"count": made.Count, "digest": e.Digest(), "file": out, "terminals": terminals}
			return show(c, told, func() {
				for _, id := range terminals {
					say(c, "  %s", id)
				}
				say(c, "%s", text{"%d terminal(s) in %s, %s", "%d 台终端，写入 %s，%s"}.in(made.Count, out, e.Digest()))
				say(c, "%s", text{"Next: unbind-desk sign --key KEY.pem %s, by operations, security and release.", "下一步：由 operations、security 和 release 分别执行 unbind-desk sign --key KEY.pem %s。"}.in(out))
			})
		}),
	}
	c.Flags().StringVar(&out, "out", "", "file to write the unsigned campaign to")
	c.Flags().DurationVar(&valid, "valid", 24*time.Hour, "how long it may be published; a week at most")
	must(c, "out")
	return c
}

func readCommand(file string) (*envelope.Envelope, command.Command, error) {
	var said command.Command
	e, err := readEnvelope(file)
	if err == nil && e.PayloadType != envelope.Type(command.Kind) {
		err = envelope.Refuse("E03", "", "cannot take %s into the campaign: it is no command", file)
	}
	if err == nil {
		err = envelope.Decode(e.Payload, &said)
	}
	return e, said, err
}

// publishCampaign hands a signed campaign in with every command it lists.
func publishCampaign(c *cobra.Command, dir, file string, orders []string) error {
	body, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("cannot read the campaign: %w", err)
	}
	wave := desk.Wave{Campaign: body}
	for _, order := range orders {
		e, said, err := readCommand(order)
		if err != nil {
			return err
		}
		at, err := versionOf(c, dir, string(said.Case), desk.Unseen)
		if err != nil {
			return err
		}
		wave.Orders = append(wave.Orders, desk.Order{Order: e.Encode(), Seen: at})
	}
	done, err := operator(dir).PublishCampaign(c.Context(), wave)
	if err != nil {
		return err
	}
	return show(c, done, func() {
		for _, p := range done {
			say(c, "%s", text{"Published: %s, case %s is %s.", "已发布：%s，案件 %s 状态为 %s。"}.in(p.Digest, p.Case, checkName(p.State)))
		}
		say(c, "%s", text{"%d command(s) published, all that the campaign lists.", "已发布 %d 条指令，即该批次所列全部。"}.in(len(done)))
	})
}

func campaignWords(e *envelope.Envelope) ([]string, error) {
	c, err := campaign.Read(e)
	if err != nil {
		return nil, err
	}
	says := []string{
		line(text{"order", "指令"}, text{"PUBLISH %d unbind command(s) at once, past the desk's caps", "一次发布 %d 条解绑指令，不受后台每日上限限制"}, c.Count),
		line(text{"good", "有效期"}, text{"from %s to %s", "自 %s 至 %s"}, when(c.NotBefore), when(c.NotAfter)),
		line(text{"ATTENTION", "注意"}, text{"%d terminals; compare the number with what you were told, and the commands with those you have seen", "共 %d 台终端；请与告知您的数量以及您所见过的指令核对"}, c.Count),
	}
	for _, d := range c.Commands {
		says = append(says, line(text{"command", "指令"}, text{"%s", "%s"}, d))
	}
	return says, nil
}
