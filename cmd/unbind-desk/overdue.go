package main

import (
	"github.com/spf13/cobra"
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
	c := &cobra.Command{
		Use:   "alarms --dir DIR",
		Short: "List what should not be: unbound terminals that show up again",
		Long: `List what should not be: unbound terminals that show up again.

A zombie is a terminal that asks with a key it reported destroyed, or a serial
number that was retired and is admitted or enrols again. It is written down once
and counted after that, at most once an hour. Overdue is a case that has not
moved for as long as serve --overdue says. The command ends with 9 when it lists some.

Spoilt is a row that an older desk left and that cannot be read, or leads to one. It
stays as it is; about is its table and key, and it is counted once for each takeover
that passed it over. Why stands in the desk's log.

An overdue is taken back when its case moves on or is closed by order, and a spoilt
leaf at which the log's tree ended when the tree goes on. Zombies and what else is
spoilt stay.`,
		Args: cobra.NoArgs,
		RunE: does(func(c *cobra.Command, _ []string) error {
			list, err := operator(dir).Alarms(c.Context())
			if err != nil {
				return err
			}
			return listed(len(list), show(c, list, func() {
				for _, a := range list {
					say(c, "%s", text{"%s%-24s %dx, last %s: %s", "%s%-24s %d 次，最近 %s：%s"}.in(column(checkName(a.Kind), 9), a.About, a.Count, when(a.Last), translated(a.What)))
				}
				if len(list) == 0 {
					say(c, "%s", text{"There are no alarms.", "没有告警。"}.in())
				}
			}))
		}),
	}
	dirFlag(c, &dir)
	return c
}

// listed is how a verb ends that has listed n things that should not be.
func listed(n int, err error) error {
	if err == nil && n > 0 {
		return errListed
	}
	return err
}
