package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/blob"
	"unbindd/cmd/unbind-desk/internal/blob/folder"
	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/directory"
	"unbindd/cmd/unbind-desk/internal/hook"
	"unbindd/cmd/unbind-desk/internal/room"
	"unbindd/cmd/unbind-desk/internal/serve"
	"unbindd/cmd/unbind-desk/internal/store"
	"unbindd/cmd/unbind-desk/internal/store/bolt"
)

// serving is how a desk is run.
type serving struct {
	dir       directory.Dir
	listen    string
	url       string
	maxBackup int64
	limits    serve.Limits
	bounds    desk.Bounds
	overdue   int64 // hours
	pauseAt   []string
	caps      desk.Caps
	partners  string // file
	told      []hook.Partner
	broker    brokering
	console   string
}

func serveCommand() *cobra.Command {
	var s serving
	c := &cobra.Command{
		Use:   "serve --dir DIR",
		Short: "Run the desk: HTTPS for terminals, a socket and a console for its operator",
		Long: `Run the desk: HTTPS for terminals, a socket and a console for its operator.

Prints "ready URL" on standard output once the doors are open, then "console URL",
and logs to standard error. The console is a web page for this machine: ask for a
way in with unbind-desk console. Ends on SIGTERM or SIGINT after the running requests. One desk
at a time serves a directory.`,
		Example: `  unbind-desk serve --dir desk
  unbind-desk serve --dir desk --listen 0.0.0.0:8443 --url https://desk.example:8443`,
		Args: cobra.NoArgs,
		RunE: does(func(c *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			return s.run(ctx, c)
		}),
	}
	c.Flags().StringVar((*string)(&s.dir), "dir", "", "the desk's directory, made by init")
	c.Flags().StringVar(&s.listen, "listen", "127.0.0.1:0", "address for terminals; port 0 takes a free one")
	c.Flags().StringVar(&s.url, "url", "", "how terminals reach this desk, where that is not the listening address")
	c.Flags().Int64Var(&s.maxBackup, "max-backup", 2<<30, "largest sealed file taken, in bytes")
	c.Flags().Int64Var(&s.caps.Signer, "cap-signer", 0, "set the cap of commands a day (UTC) with one person's signature, as the verb caps does; 0 is no cap")
	c.Flags().Int64Var(&s.caps.Day, "cap-day", 0, "set the cap of commands a day (UTC) in all, as the verb caps does; 0 is no cap")
	c.Flags().StringVar(&s.partners, "partners", "", "file with partners to tell when a case is accepted, erased, acknowledged: [{name, secret, url}]")
	c.Flags().StringVar(&s.console, "console", "127.0.0.1:0", "loopback address of the console; port 0 takes a free one; off serves none")
	s.limits = serve.DefaultLimits()
	c.Flags().IntVar(&s.limits.Source, "most-source", s.limits.Source, "most connections of one address that show no certificate")
	c.Flags().IntVar(&s.limits.All, "most-connections", s.limits.All, "most connections in all")
	s.bounded(c)
	s.watched(c)
	s.broker.flags(c)
	c.Flags().StringArrayVar(&s.pauseAt, "pause-at", nil, "WHAT:before, WHAT:after or backup:kept: stand still around that commit until killed; for power-cut tests")
	cobra.CheckErr(c.Flags().MarkHidden("pause-at"))
	must(c, "dir")
	return c
}

func (s *serving) run(ctx context.Context, c *cobra.Command) (err error) {
	if s.caps.Signer < 0 || s.caps.Day < 0 {
		return misuse("cannot use a cap below 0")
	}
	if s.limits.Source < 1 || s.limits.All < s.limits.Source {
		return misuse("cannot use the limits of connections: want at least 1 an address, and as many in all")
	}
	if err := s.fits(); err != nil {
		return err
	}
	if s.partners != "" {
		if s.told, err = hook.ReadPartners(s.partners); err != nil {
			return err
		}
	}
	log := zerolog.New(c.ErrOrStderr()).With().Timestamp().Logger()
	defer room.Give()()
	if err := s.settle(log); err != nil {
		return err
	}
	base, err := bolt.Open(string(s.dir))
	if err != nil {
		return err
	}
	kept, err := store.Open(base, func(what string, rows int64) {
		_, _ = fmt.Fprintln(c.ErrOrStderr(), text{"taking over what an older desk kept: %s, %d rows done", "正在接收旧版后台保存的内容：%s，已完成 %d 行"}.in(what, rows)) // nobody need hear it
	}, func(what, row string, why error) {
		log.Error().Err(why).Str("takeover", what).Str("row", row).Msg("a row that cannot be read was passed over")
	})
	if err != nil {
		return errors.Join(err, base.Close())
	}
	defer func() { err = errors.Join(err, kept.Close()) }()
	blobs := folder.Folder(s.dir.Blobs())
	if err := blobs.Sweep(); err != nil {
		return err
	}
	terminals, err := net.Listen("tcp", s.listen)
	if err != nil {
		return fmt.Errorf("cannot listen for terminals: %w", err)
	}
	defer terminals.Close() // the server closes it first; here only an early return does
	if s.url == "" {
		s.url = "https://" + terminals.Addr().String()
	}
	shown, err := tls.LoadX509KeyPair(s.dir.Certificate("desk"), s.dir.CertificateKey("desk"))
	if err != nil {
		return fmt.Errorf("cannot read the desk's certificate: %w", err)
	}
	d, err := s.open(kept, blobs, log, func(what string) { say(c, "paused %s", what) })
	if err != nil {
		return err
	}
	pages, err := listenConsole(s.console)
	if err != nil {
		return err
	}
	if pages != nil {
		defer pages.Close()
	}
	if caps, err := d.Caps(); err != nil {
		return err
	} else if next := named(c, "cap-signer", "cap-day", s.caps, caps); next != caps {
		if err := d.SetCaps(next); err != nil {
			return err
		}
	}
	operators, err := serve.ListenOperators(s.dir.Socket())
	if err != nil {
		return err
	}
	defer operators.Close()
	server := serve.New(d, log, s.maxBackup)
	if server.Console, err = consoleOf(d, log, server, pages); err != nil {
		return err
	}
	server.Limits = s.limits
	ctx, end := context.WithCancel(ctx)
	sender := &hook.Sender{Queue: d, Partners: s.told, Client: hook.NewClient(), Now: time.Now, Log: log}
	var sending sync.WaitGroup
	sending.Go(func() { server.GiveUp(sender.Run(ctx, time.Second)) })
	sending.Go(func() { d.KeepClock(ctx) })
	sending.Go(func() { server.GiveUp(s.watch(ctx, d, log)) })
	defer func() { end(); sending.Wait() }() // before the store is closed
	if s.broker.url != "" {
		leave, err := s.broker.serve(ctx, c, s.dir, server, shown)
		if err != nil {
			return err
		}
		defer leave()
	}
	return server.Run(ctx, serve.Doors{Terminals: terminals, Operators: operators, Console: pages}, shown, func() {
		say(c, "ready %s", s.url)
		if pages != nil {
			say(c, "console %s", server.Console.URL)
		}
	})
}

// open puts the desk together from its directory.
func (s *serving) open(kept *store.Store, blobs blob.Keeper, log zerolog.Logger, told func(string)) (*desk.Desk, error) {
	p := desk.Parts{Bounds: s.bounds, Left: s.left, Store: kept, Blobs: blobs, URL: envelope.ID(s.url), Now: time.Now, Random: rand.Reader, Pause: pauser(s.pauseAt, told)}
	p.Trouble = func(what string, err error) {
		line := log.Error().Err(err)
		if err == nil {
			line = log.Info()
		}
		line.Msg(what)
	}
	for _, partner := range s.told {
		p.Partners = append(p.Partners, partner.Name)
	}
	if !p.URL.Valid() {
		return nil, fmt.Errorf("cannot use the address %s: it must be 1 to 64 of A-Z a-z 0-9 . _ : / @ + -; give another one with --url", s.url)
	}
	var errs [6]error
	p.CA, errs[0] = authority.ReadCA(s.dir.CACertificate(), s.dir.CAKey(), rand.Reader)
	p.Receipts, errs[1] = authority.ReadSigner(s.dir.Key(directory.Receipt))
	p.Enrols, errs[2] = authority.ReadSigner(s.dir.Key(directory.Enrol))
	p.Openers, errs[3] = authority.ReadIdentities(s.dir.Identity())
	p.Anchor, errs[4] = s.dir.ReadAnchor()
	p.Signer, errs[5] = authority.ReadCertificate(s.dir.Certificate("tickets"))
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("cannot open the desk: %w", err)
	}
	key, err := authority.ReadKey(s.dir.CertificateKey("desk"))
	if err != nil {
		return nil, err
	}
	if p.SPKI, err = authority.SPKI(key.Public()); err != nil {
		return nil, err
	}
	return desk.New(p)
}

// pauser stands still at the named moments, and says so.
func pauser(at []string, told func(string)) func(what, when string) {
	if len(at) == 0 {
		return nil
	}
	moments := map[string]bool{}
	for _, moment := range at {
		moments[moment] = true
	}
	return func(what, when string) {
		if moment := what + ":" + when; moments[moment] {
			told(moment)
			select {} // until the process is killed
		}
	}
}
