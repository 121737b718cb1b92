package main

import (
	"fmt"
	"net"
	"strconv"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"unbindd/cmd/unbind-desk/internal/console"
	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/serve"
)

func consoleCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "console --dir DIR",
		Short: "Get a link into the running desk's console, for one browser",
		Long: `Get a link into the running desk's console, for one browser.

The console shows cases, approvals, terminals, the log, and what waits too long. It
holds no key: an approver downloads a draft, signs it on a machine of his own, and
hands the file in. The link is good for ten minutes and for one use; the session it
opens, for eight hours.

The console listens on the loopback address alone. From another machine:
  ssh -L 8080:127.0.0.1:PORT DESK
and put 127.0.0.1:8080 in the place of the link's address.`,
		Example: `  unbind-desk console --dir desk`,
		Args:    cobra.NoArgs,
		RunE: does(func(c *cobra.Command, _ []string) error {
			url, err := operator(dir).Invite(c.Context())
			if err != nil {
				return err
			}
			return show(c, serve.Invitation{URL: url}, func() { say(c, "%s", url) })
		}),
	}
	dirFlag(c, &dir)
	return c
}

// listenConsole opens the console's address; nil where it is off. What it serves is
// plain HTTP, so an address that others can reach is refused.
func listenConsole(address string) (net.Listener, error) {
	if address == "off" {
		return nil, nil
	}
	host, port, err := net.SplitHostPort(address)
	if _, perr := strconv.ParseUint(port, 10, 16); err != nil || perr != nil {
		return nil, misuse("cannot use --console %s: want HOST:PORT, or off", address)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, misuse("cannot use --console %s: the console is plain HTTP and serves the loopback address only; reach it through ssh -L", address)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for the console: %w", err)
	}
	return l, nil
}

// consoleOf makes the console for a listener; nil where there is none.
func consoleOf(d *desk.Desk, log zerolog.Logger, server *serve.Server, pages net.Listener) (*serve.Console, error) {
	if pages == nil {
		return nil, nil
	}
	c, err := console.New(d, log, server.GiveUp)
	if err != nil {
		return nil, err
	}
	return &serve.Console{Handler: c.Handler(), URL: "http://" + pages.Addr().String()}, nil
}
