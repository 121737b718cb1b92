package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"unbindd/agent/local"
)

func (t *tool) loadCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "load FILE|-",
		Short: "Hand in a signed file: command, trust, receipt or ticket",
		Long: `Hand a file to the daemon, which verifies it: a bundle of trust and command, one
signed envelope, a receipt, or a reader's ticket. "-" reads standard input. Ends
with 6 when anything in it is refused.`,
		Args: cobra.ExactArgs(1),
		RunE: t.question(func(ctx context.Context, args []string) error { return t.hand(ctx, args[0], t.client.Load) }),
	}
}

// hand reads a file, gives it to the daemon, and tells what became of it.
func (t *tool) hand(ctx context.Context, name string, give func(context.Context, []byte) (local.Loaded, error)) error {
	text, err := t.read(name)
	if err != nil {
		return err
	}
	l, err := ask(ctx, func(ctx context.Context) (local.Loaded, error) { return give(ctx, text) })
	if err != nil {
		return err
	}
	if t.json {
		err = t.out.json(l)
	} else {
		t.outcomes(l.Items)
	}
	if err == nil && anyRefused(l.Items) {
		return verdict(exitRefused)
	}
	return err
}

func anyRefused(items []local.Object) bool {
	for _, o := range items {
		if o.Error != nil || o.Outcome == "refused" {
			return true
		}
	}
	return false
}

// outcomes tells every object on standard output, and the reasons of those
// refused on standard error.
func (t *tool) outcomes(items []local.Object) {
	for _, o := range items {
		if !t.quiet {
			t.out.plain("%s  %s", pad(t.out.term(o.Outcome), 14), joined(t.out.term(o.Kind), o.Case, o.Digest))
		}
		if o.Error != nil {
			t.err.refusal("unbindctl: ", *o.Error, exitRefused)
		}
	}
	if len(items) == 0 && !t.quiet {
		t.out.line(words{"There is nothing in the file.", "文件中没有任何对象。"})
	}
	for _, o := range items {
		if o.Kind == "command" && o.Outcome == "accepted" && !t.quiet {
			t.out.next(t.out.in(words{"follow it with: unbindctl watch", "查看进度：unbindctl watch"}))
		}
	}
}

// read reads a whole file, or standard input for "-".
func (t *tool) read(name string) ([]byte, error) {
	from := t.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("cannot read the file: %w", err)
		}
		defer f.Close()
		from = f
	}
	text, err := io.ReadAll(io.LimitReader(from, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("cannot read %s: it has more than %d bytes", name, maxFile)
	}
	return text, nil
}
