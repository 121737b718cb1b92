package main

import (
	"context"
	"runtime"

	"github.com/spf13/cobra"
)

// build is what this program was made from.
type build struct {
	Schema  string `json:"schema"`
	Version string `json:"version"`
	Go      string `json:"go"`
	System  string `json:"system"`
}

func (t *tool) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Tell the version of this tool",
		Args:  cobra.NoArgs,
		RunE: t.verb(func(context.Context, []string) error {
			b := build{Schema: schema, Version: version, Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH}
			switch {
			case t.json:
				return t.out.json(b)
			case t.quiet:
				t.out.plain("%s", b.Version)
			default:
				t.out.plain("unbindctl %s (%s, %s)", b.Version, b.Go, b.System)
			}
			return nil
		}),
	}
}
