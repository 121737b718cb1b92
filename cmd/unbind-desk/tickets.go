package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/directory"
	"unbindd/cmd/unbind-desk/internal/signer"
)

func ticketsCommand() *cobra.Command {
	var dir, key, url string
	var every time.Duration
	c := &cobra.Command{
		Use:   "tickets --dir DIR --key KEY.pem",
		Short: "Sign readers' tickets unattended, as a process of its own",
		Long: `Sign readers' tickets unattended, as a process of its own.

Asks the desk for receipted manifests without a ticket, verifies everything as
the verb ticket does, signs, and hands the tickets back. The desk cannot make a
ticket; this process believes nothing the desk says. Prints "ready" once it runs
and ends on SIGTERM or SIGINT. From DIR it reads the anchor, the CA and its own
client certificate; those four files are all it needs on another machine, with
--url. It writes tickets.floor there, the newest trust version it has seen, and
signs under no older one.`,
		Args: cobra.NoArgs,
		RunE: does(func(c *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			p, err := ticketProcess(ctx, directory.Dir(dir), key, url)
			if err != nil {
				return err
			}
			p.Log = zerolog.New(c.ErrOrStderr()).With().Timestamp().Logger()
			say(c, "ready")
			p.Run(ctx, every)
			return nil
		}),
	}
	dirFlag(c, &dir)
	c.Flags().StringVar(&key, "key", "", "private key of role reader, PKCS8 in PEM")
	c.Flags().StringVar(&url, "url", "", "the desk's address; asked at its socket where not given")
	c.Flags().DurationVar(&every, "every", time.Second, "how often to ask")
	must(c, "key")
	return c
}

func ticketProcess(ctx context.Context, dir directory.Dir, key, url string) (*signer.Process, error) {
	by, err := authority.ReadSigner(key)
	if err != nil {
		return nil, err
	}
	anchor, err := dir.ReadAnchor()
	if err != nil {
		return nil, err
	}
	config, err := clientTLS(dir, "tickets")
	if err != nil {
		return nil, err
	}
	if url == "" {
		if url, err = operator(string(dir)).Address(ctx); err != nil {
			return nil, err
		}
	}
	return &signer.Process{
		Base: url, Anchor: anchor, Key: by, Floor: dir.TrustFloor(),
		Client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: config}},
	}, nil
}

// clientTLS reads a client certificate of the directory and the CA it trusts.
func clientTLS(dir directory.Dir, who string) (*tls.Config, error) {
	shown, err := tls.LoadX509KeyPair(dir.Certificate(who), dir.CertificateKey(who))
	if err != nil {
		return nil, fmt.Errorf("cannot read the client certificate: %w", err)
	}
	text, err := os.ReadFile(dir.CACertificate())
	if err != nil {
		return nil, fmt.Errorf("cannot read the CA: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("cannot read the CA: there is no certificate in it")
	}
	return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{shown}, RootCAs: roots}, nil
}
