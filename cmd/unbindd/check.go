package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"unbindd/agent"
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
			err = say(c, words{"The settings are sound: state in %s, reader %s on %s.", "设置正确：状态目录 %s，读卡器 %s，线路 %s。"},
				s.Agent.StateDir, s.Reader.Driver, s.Reader.Path)
			return errors.Join(err, warnOfRoots(c, s.Agent))
		},
	}
}

// warnOfRoots says which places of the profiles that this terminal has it would not
// erase, as long as that can be mended in peace. That somebody without the right to
// look asks is no failure of the settings.
func warnOfRoots(c *cobra.Command, settings agent.Config) error {
	l := languageOf(c)
	all, err := agent.OutsideRoots(settings)
	if err != nil {
		return say(c, words{"Whether the profiles of this terminal fit erase.roots was not looked at: %s", "未查看本终端的方案是否在 erase.roots 之内：%s"}, heard(l, err.Error()))
	}
	for _, place := range all {
		if err := say(c, words{"Warning: %s.", "警告：%s。"}, heard(l, place.String())); err != nil {
			return err
		}
	}
	return nil
}

// load reads file, environment and --set, in rising order.
func load(c *cobra.Command) (configs.Config, error) {
	s, _, err := read(c)
	return s, err
}

// loadBegun is load, but a terminal that is bound, or was, is not stopped by where
// its settings file lies: it would stay as it is for ever, past the point of no
// return too. misplaced is that file, "" if it lies well.
func loadBegun(c *cobra.Command) (s configs.Config, misplaced string, err error) {
	s, file, err := read(c)
	var all configs.Problems
	if errors.As(err, &all) && all.OnlyPlace() && agent.Begun(s.Agent.StateDir) {
		return s, file, nil
	}
	return s, "", err
}

// read tells also which file it was.
func read(c *cobra.Command) (s configs.Config, file string, err error) {
	file, err = c.Flags().GetString("config")
	if err != nil {
		return s, "", err
	}
	pairs, err := c.Flags().GetStringSlice("set")
	if err != nil {
		return s, "", err
	}
	over := map[string]string{}
	for _, pair := range pairs {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return s, "", errors.Join(errUsage, fmt.Errorf("cannot set %q: write key=value", pair))
		}
		over[key] = value
	}
	if s, _, err = configs.Load(file, over); err != nil {
		err = fmt.Errorf("%w: %w", errBadConfig, err)
	}
	return s, file, err
}

func contextFor(c *cobra.Command, wait time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(background(c), wait)
}
