package main

import (
	"slices"

	"github.com/spf13/cobra"

	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/store"
)

func overdueCommand() *cobra.Command {
	var dir string
	var hours int64
	c := &cobra.Command{
		Use:   "overdue --dir DIR [--hours N]",
		Short: "List the cases in which nothing has moved for too long, and what they wait for",
		Long: `List the cases in which nothing has moved for too long, and what they wait for.
A case that was closed by order waits for nothing.

Ends with 9 when it lists some.`,
		Args: cobra.NoArgs,
		RunE: does(func(c *cobra.Command, _ []string) error {
			if hours < 0 {
				return misuse("cannot use --hours %d", hours)
			}
			list, err := operator(dir).Overdue(c.Context(), hours)
			if err != nil {
				return err
			}
			return listed(len(list), show(c, list, func() {
				for _, o := range list {
					say(c, "%s", text{"%-16s %-24s %4d h  %s", "%-16s %-24s %4d 小时  %s"}.in(o.Case, o.Terminal, o.Hours, translated(o.What)))
				}
				if len(list) == 0 {
					say(c, "%s", text{"No case has waited for more than %d hours.", "没有等待超过 %d 小时的案件。"}.in(hours))
				}
			}))
		}),
	}
	dirFlag(c, &dir)
	c.Flags().Int64Var(&hours, "hours", 24, "how long a case may stay where it is")
	return c
}

func alarmsCommand() *cobra.Command {
	var dir string
	var all bool
	c := &cobra.Command{
		Use:   "alarms --dir DIR [--all]",
		Short: "List alarms: what should not be",
		Long: `List alarms: what should not be.

A zombie is a terminal that asks with a key it reported destroyed, or a serial
number that was retired and is admitted or enrols again. It is written down once
and counted after that, at most once an hour. Overdue is a case that has not
moved for as long as serve --overdue says. The command ends with 9 when any is not settled.

Spoilt is a row that an older desk left and that cannot be read, or leads to one. It
stays as it is; about is its table and key, and it is counted once for each takeover
that passed it over. Why stands in the desk's log.

An overdue is taken back when its case moves on or is closed by order, and a spoilt
leaf at which the log's tree ended when the tree goes on. Zombies and what else is
spoilt stay until somebody settles them ("alarms settle"); --all lists those too, with who
settled them and why.`,
		Args: cobra.NoArgs,
		RunE: does(func(c *cobra.Command, _ []string) error {
			list, err := operator(dir).Alarms(c.Context())
			if err != nil {
				return err
			}
			up := slices.DeleteFunc(slices.Clone(list), func(a store.Alarm) bool { return a.Quiet })
			if !all {
				list = up
			}
			return listed(len(up), show(c, list, func() {
				for _, a := range list {
					say(c, "%s", text{"%s%-24s %dx, last %s: %s", "%s%-24s %d 次，最近 %s：%s"}.in(column(checkName(a.Kind), 9), a.About, a.Count, when(a.Last), translated(a.What)))
					for _, s := range a.Settled {
						say(c, "%s", text{"  settled %s by %s: %s", "  %s 由 %s 处置：%s"}.in(when(s.At), s.By, s.Why))
					}
				}
				if len(list) == 0 {
					say(c, "%s", text{"There are no alarms.", "没有告警。"}.in())
				}
			}))
		}),
	}
	dirFlag(c, &dir)
	c.Flags().BoolVar(&all, "all", false, "list those that are settled, too")
	c.AddCommand(settleCommand())
	return c
}

func settleCommand() *cobra.Command {
	var dir string
	var word desk.Settlement
	c := &cobra.Command{
		Use:   "settle ABOUT --dir DIR --seen COUNT --by NAME --why REASON [--kind KIND]",
		Short: "Say of an alarm that it was looked into, and what came of it",
		Long: `Say of an alarm that it was looked into, and what came of it.

The alarm is listed no more, except by "alarms --all", and is not deleted: who settled
it, when and why stays beside it (the newest hundred times) and goes to the desk's log.
What raises it next raises it anew, however soon; --seen is the count that "alarms"
shows, so that nobody settles what came after. The name is what is typed here; nobody
signs it.`,
		Args: cobra.ExactArgs(1),
		RunE: does(func(c *cobra.Command, args []string) error {
			word.About = args[0]
			a, err := operator(dir).Settle(c.Context(), word)
			if err != nil {
				return err
			}
			return show(c, a, func() {
				say(c, "%s", text{"Settled: %s%s. It is raised anew when it shows up again.", "已处置：%s%s。再次出现时会重新告警。"}.in(column(checkName(a.Kind), 9), a.About))
			})
		}),
	}
	dirFlag(c, &dir)
	c.Flags().StringVar(&word.By, "by", "", "who looked into it")
	c.Flags().StringVar(&word.Why, "why", "", "what came of it, on one line")
	c.Flags().StringVar(&word.Kind, "kind", desk.Zombie, "the alarm's kind: zombie or spoilt")
	c.Flags().Int64Var(&word.Seen, "seen", 0, "how often the list shows the alarm; more by now settles nothing")
	must(c, "by", "why", "seen")
	return c
}

// listed is how a verb ends that has listed n things that should not be.
func listed(n int, err error) error {
	if err == nil && n > 0 {
		return errListed
	}
	return err
}
