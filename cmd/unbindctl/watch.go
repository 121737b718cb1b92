package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"
)

// errTimeout ends a watch that --timeout has bounded.
var errTimeout = errors.New("the time for watching is over")

func (t *tool) watchCommand() *cobra.Command {
	var timeout time.Duration
	var after int64
	var wait bool
	var named string
	var cmd *cobra.Command
	cmd = &cobra.Command{
		Use:   "watch",
		Short: "Follow the unbinding until it ends",
		Long: `Follow the running unbinding. Where none runs, say so and tell how the last one
went and when it ended: an order that was published a moment ago arrives with the
terminal's next question to its desk. --wait waits for it; it passes over the case
that had ended, and tells an order that was refused before, with its time, and waits
for another. --command waits for exactly one order, and the refusal of that one ends
it whenever it was: the way to watch right after publishing. An order on which no
signature counts is known by its digest alone, which the desk tells.

On a terminal the page is redrawn in place, elsewhere one line a change is written;
what a step waits for is written again only after five minutes. --json writes the
daemon's events, one JSON object a line, one of kind "before" first where no
unbinding runs, and one of kind "end" at last.

A daemon that restarts does not end a watch. Ctrl-C leaves the watch, never the
unbinding. Ends with 0 when the certificate is complete and the desk has it, or
the terminal is unbound so; 1 when the unbinding was undone or is partial; 3 when
it was undone and nothing was changed, or none runs or has begun; 6 when the command
that --wait or --command waited for was refused; 7 or 8 at --timeout.`,
		Example: `  unbindctl watch --command sha256:3ace697013f1eb28 --timeout 10m
  unbindctl watch --command C-2026-000001`,
		Args: cobra.NoArgs,
		RunE: t.question(func(ctx context.Context, _ []string) error {
			f := t.follower()
			f.timeout, f.after, f.wait = timeout, after, wait
			if cmd.Flags().Changed("command") {
				o, err := orderOf(named)
				if err != nil {
					return err
				}
				f.order, f.wait = o, true
			}
			return t.watch(ctx, f)
		}),
	}
	cmd.Flags().DurationVar(&timeout, "timeout", 0, "leave so long after the first answer, as 90s or 10m; 0 never")
	cmd.Flags().Int64Var(&after, "after", 0, "begin with the event after this `id`")
	cmd.Flags().StringVar(&named, "command", "", "wait for this `order`: the command's digest, or the first 8 digits of it or more, or its case")
	cmd.Flags().BoolVar(&wait, "wait", false, "wait for an unbinding when none runs")
	return cmd
}

func (t *tool) follower() *follower {
	f := &follower{
		ask: t.client.Status, events: t.client.Events, view: t.view(), now: t.now,
		tick: 2 * time.Second, pause: 300 * time.Millisecond, burst: 20 * time.Millisecond, patience: 15 * time.Second,
	}
	if t.screen.live {
		f.tick = time.Second
	}
	return f
}

// view picks how the progress is drawn.
func (t *tool) view() view {
	switch {
	case t.json:
		return &ndjson{out: t.out}
	case t.quiet:
		return mute{}
	case t.screen.live:
		return &panel{out: t.out, size: t.screen.size, now: t.now}
	}
	return &lines{out: t.out, now: t.now}
}

func (t *tool) watch(ctx context.Context, f *follower) error {
	end, err := f.run(ctx)
	if err != nil {
		return err
	}
	switch {
	case t.json:
		t.out.end(end)
	case end.Exit == exitDetached:
		t.err.ending(end)
	default:
		t.out.ending(end)
	}
	if end.Exit == exitDone {
		return nil
	}
	return verdict(end.Exit)
}
