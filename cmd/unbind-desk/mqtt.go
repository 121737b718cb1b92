package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"unbindd/cmd/unbind-desk/internal/directory"
	"unbindd/cmd/unbind-desk/internal/serve"
	"unbindd/transport/broker"
)

// brokering is what the flags of serve say about a broker.
type brokering struct {
	url, ca string
	login   broker.Login
	message int
	again   time.Duration
}

func (b *brokering) flags(c *cobra.Command) {
	c.Flags().StringVar(&b.url, "mqtt", "", "a broker to answer at too, mqtts://host[:port] or mqtt://host[:port]")
	c.Flags().StringVar(&b.ca, "mqtt-ca", "", "the CA of the broker's certificate; the desk's own where not given")
	c.Flags().StringVar(&b.login.User, "mqtt-user", "", "the user name that the broker knows the desk by, besides its certificate")
	c.Flags().StringVar(&b.login.File, "mqtt-password-file", "", "the file that holds the desk's password for the broker, mode 0600; it is read at every connect")
	c.Flags().IntVar(&b.message, "mqtt-message", 120<<10, "longest message that the broker takes, in bytes")
	c.Flags().DurationVar(&b.again, "mqtt-again", 5*time.Second, "how long to wait before a broker that was lost is tried again; after refusals it grows to two minutes")
}

// serve answers at the broker beside the doors; what it returns waits for its end.
func (b *brokering) serve(ctx context.Context, c *cobra.Command, dir directory.Dir, server *serve.Server, shown tls.Certificate) (func(), error) {
	if b.ca == "" {
		b.ca = dir.CACertificate()
	}
	config, err := b.tls(dir)
	if err != nil {
		return nil, err
	}
	if err := b.login.Readable(); err != nil {
		return nil, err
	}
	run, err := server.MQTT(serve.Broker{URL: b.url, TLS: config, Login: b.login, Message: b.message, Again: b.again}, shown)
	if err != nil {
		return nil, err
	}
	var running sync.WaitGroup
	running.Go(func() { run(ctx, func() { say(c, "broker %s", b.url) }) })
	return running.Wait, nil
}

// tls is how the broker is believed and what it is shown. A directory of an
// earlier desk has no certificate for it; then none is shown.
func (b *brokering) tls(dir directory.Dir) (*tls.Config, error) {
	text, err := os.ReadFile(b.ca)
	if err != nil {
		return nil, fmt.Errorf("cannot read the broker's CA: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, errors.New("cannot read the broker's CA: there is no certificate in it")
	}
	config := &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: roots}
	own, err := tls.LoadX509KeyPair(dir.Certificate("mqtt"), dir.CertificateKey("mqtt"))
	switch {
	case err == nil:
		config.Certificates = []tls.Certificate{own}
	case !errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("cannot read the certificate for the broker: %w", err)
	}
	return config, nil
}
