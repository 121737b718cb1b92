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
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Follow the unbinding until it ends",
		Long: `Follow the running unbinding, or tell how the last one ended. On a terminal the
page is redrawn in place, elsewhere one line a change is written; --json writes
the daemon's events, one JSON object a line, and one of kind "end" at last.

A daemon that restarts does not end a watch. Ctrl-C leaves the watch, never the
unbinding. Ends with 0 when the certificate is complete and the desk has it, or
the terminal is unbound so; 1 when the unbinding was undone or is partial; 3 when
it was undone and nothing was changed, or none runs or has begun; 6 when the command
that --wait waited for was refused; 7 or 8 at --timeout.`,
		Args: cobra.NoArgs,
		RunE: t.question(func(ctx context.Context, _ []string) error {
			f := t.follower()
			f.timeout, f.after, f.wait = timeout, after, wait
			return t.watch(ctx, f)
		}),
	}
	cmd.Flags().DurationVar(&timeout, "timeout", 0, "leave so long after the first answer, as 90s or 10m; 0 never")
	cmd.Flags().Int64Var(&after, "after", 0, "begin with the event after this `id`")
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
