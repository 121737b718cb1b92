package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

// Direct is the value of Config.Proxy that ignores the proxy of the environment.
const Direct = "direct"

const dialTimeout = 20 * time.Second

// dialer reaches the desk on terminals whose system has no resolver that a
// static program could ask.
type dialer struct {
	host      string   // the desk's host; only it is dialled by address, a proxy is not
	addresses []string // "ip" or "ip:port", tried in turn
	net       net.Dialer
}

func newDialer(c Config, host string) (*dialer, error) {
	d := &dialer{host: host, addresses: c.Addresses, net: net.Dialer{Timeout: dialTimeout}}
	for _, a := range c.Addresses {
		if net.ParseIP(hostOf(a)) == nil {
			return nil, fmt.Errorf("cannot dial address %q: want an IP address, with or without a port", a)
		}
	}
	servers := make([]string, 0, len(c.Resolvers))
	for _, r := range c.Resolvers {
		if net.ParseIP(hostOf(r)) == nil {
			return nil, fmt.Errorf("cannot ask resolver %q: want an IP address, with or without a port", r)
		}
		servers = append(servers, withPort(r, "53"))
	}
	if len(servers) > 0 {
		d.net.Resolver = &net.Resolver{PreferGo: true, Dial: inTurn(servers)}
	}
	return d, nil
}

// DialContext dials the desk by its given addresses and everything else by name.
func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil || host != d.host || len(d.addresses) == 0 {
		return d.net.DialContext(ctx, network, address)
	}
	var failures []error
	for _, a := range d.addresses {
		conn, err := d.net.DialContext(ctx, network, withPort(a, port))
		if err == nil {
			return conn, nil
		}
		failures = append(failures, err)
	}
	return nil, errors.Join(failures...)
}

// inTurn dials the resolvers one after the other. Over UDP dialling always
// succeeds, so it is the resolver's own attempts that go round the list.
func inTurn(servers []string) func(context.Context, string, string) (net.Conn, error) {
	var turn atomic.Uint32
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, servers[int(turn.Add(1)-1)%len(servers)])
	}
}

// proxy chooses the way out: the setting, or the environment when it is empty.
func proxy(setting string) (func(*http.Request) (*url.URL, error), error) {
	switch setting {
	case "":
		return http.ProxyFromEnvironment, nil
	case Direct:
		return nil, nil
	}
	u, err := url.Parse(setting)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("cannot use proxy %q: want a URL such as http://10.0.0.1:3128", setting)
	}
	return http.ProxyURL(u), nil
}

func hostOf(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}

func withPort(address, port string) string {
	if _, _, err := net.SplitHostPort(address); err == nil {
		return address
	}
	return net.JoinHostPort(address, port)
}
