package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"unbindd/agent/envelope"
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
		t.placed(ctx, text, l.Items)
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
			t.out.plain("%s  %s", pad(t.out.term(o.Outcome), 14), joined(t.out.term(o.Kind), t.out.caseOf(o.Case), o.Digest))
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

// placed adds to each refusal of what belongs to another case which case the file names,
// and which one is here: without them nobody knows what to compare.
func (t *tool) placed(ctx context.Context, file []byte, items []local.Object) {
	names := casesNamed(file)
	for i := range items {
		e := items[i].Error
		if e == nil || e.Code != "E28:case" && e.Code != "E28:command" {
			continue
		}
		if name := names[items[i].Digest]; name != "" {
			e.Message += t.err.in(words{"; the file names case %s", "；文件所指案件：%s"}.fill(name))
		}
		s, err := ask(ctx, t.client.Status)
		switch {
		case err != nil: // then the daemon's own words have to do
		case s.Case == nil:
			e.Message += t.err.in(words{"; here: none", "；本终端：无"})
		default:
			e.Message += t.err.in(words{"; here: case ", "；本终端：案件 "}) + joined(s.Case.Case, t.err.term(s.Case.Outcome))
		}
	}
}

// casesNamed is what the envelopes of a file say that they are of, by their digests.
// Nobody has looked at their signatures: it is to be shown, and decides nothing.
func casesNamed(file []byte) map[string]string {
	var bundle struct {
		Orders []json.RawMessage `json:"orders"`
	}
	one := bytes.TrimSpace(file)
	if err := json.Unmarshal(one, &bundle); err != nil {
		return nil // the daemon has refused it by a better name
	}
	names := map[string]string{}
	for _, text := range append(bundle.Orders, one) {
		e, err := envelope.Parse(text, envelope.MaxSize)
		if err != nil {
			continue
		}
		var about struct {
			Case string `json:"case"`
		}
		if json.Unmarshal(e.Payload, &about) == nil {
			names[string(e.Digest())] = about.Case
		}
	}
	return names
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
