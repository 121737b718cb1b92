package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"unbindd/agent"
	"unbindd/configs"
	"unbindd/wipe"
)

func runCommand() *cobra.Command {
	var pauseAt []string
	c := &cobra.Command{
		Use:   "run",
		Short: "Run the daemon until it is told to end",
		Long: "Run the daemon. It carries an unbinding on from where it was cut, trades where it is bound,\n" +
			"and says so where it is not. It prints one line \"ready <mode> <socket>\" when the local API answers.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			stops, err := newPauses(pauseAt, c.OutOrStdout(), c.InOrStdin())
			if err != nil {
				return err
			}
			parts, err := assembleBegun(c)
			if err != nil {
				return err
			}
			parts.Moment = stops.moment
			parts.Ready = func(mode string) { ready(c.OutOrStdout(), mode, parts.Config.Socket) }
			told, stop := signal.NotifyContext(c.Context(), syscall.SIGTERM, os.Interrupt)
			defer stop()
			return live(told, parts)
		},
	}
	c.Flags().StringArrayVar(&pauseAt, "pause-at", nil, "announce a moment and wait there (for tests)")
	if err := c.Flags().MarkHidden("pause-at"); err != nil {
		panic(err) // the flag was added one line above
	}
	return c
}

// live runs the agent until the process is told to end; an agent that asks for a
// new image of the process gets it.
func live(told context.Context, parts agent.Parts) error {
	ctx, end := context.WithCancel(told)
	defer end()
	var asked atomic.Bool
	parts.Renew = func() {
		asked.Store(true)
		end()
	}
	err := agent.New(parts).Run(ctx)
	if err != nil || !asked.Load() || told.Err() != nil {
		return err
	}
	return renew()
}

// ready tells whoever started the daemon that it answers.
func ready(out io.Writer, mode, socket string) {
	if _, err := fmt.Fprintf(out, "ready %s %s\n", mode, socket); err != nil {
		return // nobody listens
	}
}

// assemble makes the parts from the settings.
func assemble(c *cobra.Command) (agent.Parts, error) {
	s, err := load(c)
	if err != nil {
		return agent.Parts{}, err
	}
	return partsOf(c, s, "")
}

// assembleBegun makes those of a terminal that is bound already, or was.
func assembleBegun(c *cobra.Command) (agent.Parts, error) {
	s, misplaced, err := loadBegun(c)
	if err != nil {
		return agent.Parts{}, err
	}
	return partsOf(c, s, misplaced)
}

func partsOf(c *cobra.Command, s configs.Config, misplaced string) (agent.Parts, error) {
	log, err := logger(s.Log.Level, s.Log.Format, c.ErrOrStderr())
	if err != nil {
		return agent.Parts{}, err
	}
	for _, err := range hide() {
		log.Warn().Err(err).Msg("this process can be looked into more than it should")
	}
	if misplaced != "" {
		log.Warn().Msg("the settings file lies in state_dir and is left standing when all else there is erased: move it to a folder such as /etc/unbindd")
	}
	return agent.Parts{
		Config: s.Agent, Misplaced: misplaced, Reader: s.Reader, Link: s.Link, MQTT: s.MQTT, Courier: s.Courier,
		Log: log, Version: version, Sys: wipe.Kernel{},
	}, nil
}

func logger(level, format string, out io.Writer) (zerolog.Logger, error) {
	l, err := zerolog.ParseLevel(level)
	if err != nil {
		return zerolog.Logger{}, fmt.Errorf("cannot log: %w: %w", err, errBadConfig)
	}
	zerolog.TimeFieldFormat = time.RFC3339Nano
	if format == "text" {
		out = zerolog.ConsoleWriter{Out: out, NoColor: true, TimeFormat: time.RFC3339}
	}
	return zerolog.New(out).Level(l).With().Timestamp().Logger(), nil
}

// background is the context of a call that has none of its own.
func background(c *cobra.Command) context.Context {
	if ctx := c.Context(); ctx != nil {
		return ctx
	}
	return context.Background()
}
