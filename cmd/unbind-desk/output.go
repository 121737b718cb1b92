package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/directory"
	"unbindd/cmd/unbind-desk/internal/serve"
)

// show prints v as JSON where that is asked for, else what words says.
func show(c *cobra.Command, v any, words func()) error {
	asJSON, err := c.Flags().GetBool("json")
	if err != nil {
		return err
	}
	if !asJSON {
		words()
		return nil
	}
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("cannot print the answer: %w", err)
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "%s\n", text)
	return err
}

func say(c *cobra.Command, format string, args ...any) {
	fmt.Fprintf(c.OutOrStdout(), format+"\n", args...)
}

// dirFlag adds the flag every verb with a store has.
func dirFlag(c *cobra.Command, dir *string) {
	c.Flags().StringVar(dir, "dir", "", "the desk's directory, made by init")
	must(c, "dir")
}

func must(c *cobra.Command, flags ...string) {
	for _, f := range flags {
		cobra.CheckErr(c.MarkFlagRequired(f))
	}
}

func operator(dir string) *serve.Operator { return serve.NewOperator(directory.Dir(dir).Socket()) }

// keepNew writes a new file; one that is there stays as it is.
func keepNew(path string, body []byte) error {
	return authority.Create(path, append(body, '\n'), 0o644)
}

// vacant makes sure that keepNew will find its place empty, before the desk is
// asked for something that would then be lost.
func vacant(paths ...string) error {
	for _, path := range paths {
		if path == "" {
			continue
		}
		if _, err := os.Lstat(path); err == nil {
			return fmt.Errorf("cannot write %s: it is there already: %w", path, errBlocked)
		}
	}
	return nil
}

// readEnvelope reads a file that holds one envelope.
func readEnvelope(path string) (*envelope.Envelope, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the envelope: %w", err)
	}
	e, err := envelope.Parse(text, envelope.MaxSize)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return e, nil
}

// when writes a moment as people read it, in UTC because a case has many clocks.
func when(unix int64) string { return time.Unix(unix, 0).UTC().Format("2006-01-02 15:04:05 UTC") }
