package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
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
	names     *names   // nil: the system's resolver
	net       net.Dialer
}

func newDialer(c Config, host string) (*dialer, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("cannot use the settings of the link: %w", err)
	}
	d := &dialer{host: host, addresses: c.Addresses, net: net.Dialer{Timeout: dialTimeout}}
	if len(c.Resolvers) > 0 {
		d.names = newNames(c.Resolvers)
	}
	return d, nil
}

// DialContext dials the desk by its given addresses and everything else by name.
func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return d.net.DialContext(ctx, network, address)
	}
	at := d.addresses
	if host != d.host || len(at) == 0 {
		if d.names == nil || net.ParseIP(host) != nil {
			return d.net.DialContext(ctx, network, address)
		}
		if at, err = d.names.find(ctx, host); err != nil {
			return nil, err
		}
	}
	var failures []error
	for _, a := range at {
		conn, err := d.net.DialContext(ctx, network, withPort(a, port))
		if err == nil {
			return conn, nil
		}
		failures = append(failures, err)
	}
	return nil, errors.Join(failures...)
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
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "socks5" {
		// What was set is not repeated: it may hold a password.
		return nil, errors.New("it is not the URL of a proxy: write http://host:port or socks5://host:port, with user:password@ before the host where it asks, or direct")
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
