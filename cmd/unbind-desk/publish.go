package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/desk"
)

func publishCommand() *cobra.Command {
	var dir, id, campaign string
	var seen int64
	c := &cobra.Command{
		Use:   "publish --dir DIR FILE | --case CASE | --campaign FILE ORDER...",
		Short: "Hand a signed order to the running desk",
		Long: `Hand a signed command, papers, cancel, amend, close, trust bundle or profile to
the running desk.

The desk verifies it against its trust: who must sign what is in the bundle's
rules, and people are counted, not keys. Then it is offered to its terminal, which
is woken if it waits. The same file again changes nothing.
With --case the command is published whose signatures the desk has collected.

A case that has changed since the version given with --seen is left as it is.`,
		Args: cobra.ArbitraryArgs,
		RunE: does(func(c *cobra.Command, args []string) error {
			if campaign != "" {
				if id != "" || len(args) == 0 || seen != desk.Unseen {
					return misuse("cannot publish: a campaign is given with its commands, and with nothing else")
				}
				return publishCampaign(c, dir, campaign, args)
			}
			if len(args) > 1 || (len(args) == 1) == (id != "") {
				return misuse("cannot publish: give a file, or a case with --case")
			}
			body, at, err := toPublish(c, dir, id, args, seen)
			if err != nil {
				return err
			}
			done, err := operator(dir).Publish(c.Context(), body, at)
			if err != nil {
				return err
			}
			return show(c, done, func() {
				say(c, "%s", text{"Published: %s %s", "已发布：%s %s"}.in(checkName(done.Kind), done.Digest))
				if done.Case != "" {
					say(c, "%s", text{"Case %s is %s.", "案件 %s 状态为 %s。"}.in(done.Case, checkName(done.State)))
				}
			})
		}),
	}
	dirFlag(c, &dir)
	seenFlag(c, &seen)
	c.Flags().StringVar(&campaign, "campaign", "", "publish every command of this signed campaign, or none")
	c.Flags().StringVar(&id, "case", "", "publish the collected command of this case")
	return c
}

// toPublish reads what is to be published, and at which version of its case.
func toPublish(c *cobra.Command, dir, id string, args []string, seen int64) ([]byte, int64, error) {
	if id != "" {
		d, err := operator(dir).Draft(c.Context(), id)
		if seen == desk.Unseen {
			seen = d.Version
		}
		return d.Order, seen, err
	}
	body, err := os.ReadFile(args[0])
	if err != nil {
		return nil, 0, fmt.Errorf("cannot read the order: %w", err)
	}
	if in := caseIn(body); in != "" && seen == desk.Unseen {
		w, err := operator(dir).Inspect(c.Context(), in)
		if err == nil {
			seen = w.Version
		}
		if err != nil && envelope.CodeOf(err) == "" {
			return nil, 0, err
		}
	}
	return body, seen, nil
}
