package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"unbindd/configs"
)

func checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check the settings and say all that is wrong with them",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := load(c)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "The settings are sound: state in %s, reader %s on %s.\n", s.Agent.StateDir, s.Reader.Driver, s.Reader.Path)
			return err
		},
	}
}

// load reads file, environment and --set, in rising order.
func load(c *cobra.Command) (configs.Config, error) {
	file, err := c.Flags().GetString("config")
	if err != nil {
		return configs.Config{}, err
	}
	pairs, err := c.Flags().GetStringSlice("set")
	if err != nil {
		return configs.Config{}, err
	}
	over := map[string]string{}
	for _, pair := range pairs {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return configs.Config{}, errors.Join(errUsage, fmt.Errorf("cannot set %q: write key=value", pair))
		}
		over[key] = value
	}
	s, _, err := configs.Load(file, over)
	if err != nil {
		return s, fmt.Errorf("%w: %w", errBadConfig, err)
	}
	return s, nil
}

func contextFor(c *cobra.Command, wait time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(background(c), wait)
}
