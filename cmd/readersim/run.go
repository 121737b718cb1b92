package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"unbindd/device/devicesim"
)

// running is what the flags of "run" say.
type running struct {
	nvm      string
	options  devicesim.Options
	faults   []string
	line     string
	cards    string
	script   string
	generate int
	every    time.Duration
	close    bool
	idleExit time.Duration
	control  string
}

func runCommand() *cobra.Command {
	r := running{}
	c := &cobra.Command{
		Use:   "run",
		Short: "Switch a reader on and serve it on a tty",
		Long: `Switch a reader on and serve it on a tty.

When it serves, one line "ready PATH" goes to standard output; PATH is what the terminal opens.
A power cut wanted by a fault kills the process; start it again to bring the power back.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			log := zerolog.New(c.ErrOrStderr()).With().Timestamp().Logger()
			return r.run(c.Context(), c.OutOrStdout(), log)
		},
	}
	f, o := c.Flags(), &r.options
	f.StringVar(&r.nvm, "nvm", "", "memory file of the reader")
	f.StringVar(&o.TTY, "tty", "", "existing tty to serve")
	f.StringVar(&o.Link, "link", "", "make a pseudo-terminal and this symlink to it")
	f.IntVar(&o.Pace, "baud-pace", 0, "take the time this speed would take; 0: none")
	f.IntVar(&r.generate, "generate", 0, "number of transactions to make")
	f.DurationVar(&r.every, "every", 0, "time between two of them; 0: all at once")
	f.BoolVar(&r.close, "close-batch", false, "close the batch after the last of them")
	f.Uint64Var(&o.Seed, "seed", 1, "seed of the transactions")
	f.StringVar(&o.Merchant.Currency, "currency", "CNY", "currency of the transactions")
	f.StringVar(&o.Merchant.TID, "tid", "", "terminal id in the transactions")
	f.StringVar(&o.Merchant.MID, "mid", "", "merchant id in the transactions")
	f.StringVar(&o.Merchant.Batch, "batch", "", "batch of the transactions")
	f.StringVar(&o.Canary, "canary", "", "text to put into the rrn of some transactions")
	f.StringArrayVar(&r.faults, "fault", nil, "what the reader does wrong, NAME or NAME=VALUE; may be repeated")
	f.StringVar(&r.line, "line", "none", "what goes wrong on the line, such as flip=1e-4,lose=2x,seed=7")
	f.StringVar(&r.script, "script", "", "file that says what happens when; docs/READERSIM.md describes it")
	f.StringVar(&o.Protocol, "protocol", "pedlink", "what it speaks: "+strings.Join(devicesim.Protocols(), ", "))
	f.StringVar(&o.Model, "model", "", "of a ccid reader: "+strings.Join(devicesim.Models(), ", "))
	f.StringVar(&r.cards, "cards", "", `card in each socket, as in "t0,,t1", "," for none; of `+strings.Join(devicesim.CardKinds(), ", "))
	f.DurationVar(&r.idleExit, "idle-exit", 0, "end after so much silence on the line; 0: never")
	f.StringVar(&r.control, "control", "", "unix socket to take commands from")
	cobra.CheckErr(c.MarkFlagRequired("nvm"))
	c.MarkFlagsMutuallyExclusive("tty", "link")
	c.MarkFlagsOneRequired("tty", "link")
	return c
}

func (r *running) run(ctx context.Context, out io.Writer, log zerolog.Logger) (err error) {
	for _, text := range r.faults {
		f, err := devicesim.ParseFault(text)
		if err != nil {
			return err
		}
		r.options.Faults = append(r.options.Faults, f)
	}
	if r.options.Line, err = devicesim.ParseNoise(r.line); err != nil {
		return err
	}
	if r.cards != "" {
		r.options.Cards = strings.Split(r.cards, ",")
	}
	script, err := readScript(r.script)
	if err != nil {
		return err
	}
	r.options.Kill = killSelf
	sim, err := devicesim.Start(r.nvm, r.options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sim.Close()) }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stopped, err := r.serveControl(ctx, sim)
	if err != nil {
		return err
	}
	defer func() { cancel(); err = errors.Join(err, <-stopped) }()
	if _, err := fmt.Fprintln(out, "ready", sim.Path()); err != nil {
		return fmt.Errorf("cannot say that the reader is ready: %w", err)
	}
	go r.trade(ctx, sim, log)
	go func() {
		if err := sim.RunScript(ctx, script); err != nil {
			log.Error().Err(err).Msg("script ended")
		}
	}()
	return r.wait(ctx, sim, log)
}

// readScript reads a script file; without one there is nothing to do.
func readScript(path string) (devicesim.Script, error) {
	if path == "" {
		return devicesim.Script{}, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return devicesim.Script{}, fmt.Errorf("cannot read script: %w", err)
	}
	script, err := devicesim.ParseScript(f)
	return script, errors.Join(err, f.Close())
}

// killSelf is a power cut: nothing of this process runs any further.
func killSelf() {
	if err := unix.Kill(os.Getpid(), unix.SIGKILL); err != nil {
		panic(err) // going on would be worse than any way to stop
	}
	select {}
}

// serveControl listens on the control socket; the channel yields how it ended.
func (r *running) serveControl(ctx context.Context, sim *devicesim.Sim) (<-chan error, error) {
	stopped := make(chan error, 1)
	if r.control == "" {
		stopped <- nil
		return stopped, nil
	}
	// A killed simulator leaves its socket behind; nobody can listen on it any more.
	if err := os.Remove(r.control); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("cannot make control socket: %w", err)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", r.control)
	if err != nil {
		return nil, fmt.Errorf("cannot make control socket: %w", err)
	}
	go func() { stopped <- sim.ServeControl(ctx, l) }()
	return stopped, nil
}

// trade makes the transactions that the flags want.
func (r *running) trade(ctx context.Context, sim *devicesim.Sim, log zerolog.Logger) {
	err := r.generateAll(ctx, sim)
	if err == nil && r.close {
		batch := r.options.Merchant.Batch
		if batch == "" {
			batch = "000001"
		}
		_, err = sim.CloseBatch(batch)
	}
	if err != nil && ctx.Err() == nil {
		log.Error().Err(err).Msg("trade ended")
	}
}

func (r *running) generateAll(ctx context.Context, sim *devicesim.Sim) error {
	if r.every == 0 {
		if r.generate == 0 {
			return nil
		}
		_, err := sim.Generate(r.generate)
		return err
	}
	tick := time.NewTicker(r.every)
	defer tick.Stop()
	for range r.generate {
		if _, err := sim.Generate(1); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// wait stays until a signal, the end of the reader or a silence that is too long.
func (r *running) wait(ctx context.Context, sim *devicesim.Sim, log zerolog.Logger) error {
	look := time.NewTicker(max(r.idleExit/10, 100*time.Millisecond))
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-sim.Done():
			return sim.Err()
		case <-look.C:
			if r.idleExit > 0 && time.Since(sim.LastHeard()) > r.idleExit {
				log.Info().Dur("silence", r.idleExit).Msg("idle, ending")
				return nil
			}
		}
	}
}
