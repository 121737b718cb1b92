package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Config says how the desk is reached.
type Config struct {
	URL       string        `yaml:"url" mapstructure:"url"`             // https://host[:port]; empty: the one that came with enrolment
	Proxy     string        `yaml:"proxy" mapstructure:"proxy"`         // a URL, "direct", or empty for the environment's
	Addresses []string      `yaml:"addresses" mapstructure:"addresses"` // dialled instead of the name in URL, in this order
	Resolvers []string      `yaml:"resolvers" mapstructure:"resolvers"` // asked instead of the system's
	Poll      time.Duration `yaml:"poll" mapstructure:"poll"`           // between two questions for a command
	Wait      time.Duration `yaml:"wait" mapstructure:"wait"`           // how long one question may stay open
	RetryMin  time.Duration `yaml:"retry_min" mapstructure:"retry_min"` // Backoff.Min
	RetryMax  time.Duration `yaml:"retry_max" mapstructure:"retry_max"` // Backoff.Max
}

// HTTPS is the link over HTTPS. The terminal asks, the desk never calls.
type HTTPS struct {
	base     string // URL without a slash at its end
	terminal string
	known    *http.Client // shows the client certificate; nil without one
	unknown  *http.Client // shows none
	timeless *http.Client // shows none and asks nothing of the desk's dates; nil without pins
	stall    time.Duration
}

// NewHTTPS makes the link; nothing is dialled before the first call. When the
// trust bundle changes, make a new link: roots and pins are not read again.
func NewHTTPS(c Config, id Identity) (*HTTPS, error) {
	if err := checkID("terminal", id.Terminal); err != nil {
		return nil, err
	}
	h, v, err := newAnonymous(c, id)
	if err != nil {
		return nil, err
	}
	h.terminal = id.Terminal
	if id.Key == nil {
		return h, nil
	}
	cert, err := clientCertificate(id)
	if err != nil {
		return nil, err
	}
	if h.known, err = newClient(c, h.base, v, cert); err != nil {
		return nil, err
	}
	return h, nil
}

// newAnonymous makes the part of a link that needs no client certificate.
func newAnonymous(c Config, id Identity) (*HTTPS, verifier, error) {
	v, err := newVerifier(id)
	if err != nil {
		return nil, v, err
	}
	base := strings.TrimSuffix(c.URL, "/")
	if u, err := url.Parse(base); err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.User != nil {
		return nil, v, fmt.Errorf("cannot use %q as the desk's address: want https://host[:port]", c.URL)
	}
	h := &HTTPS{base: base, stall: 2 * time.Minute}
	if h.unknown, err = newClient(c, base, v); err != nil {
		return nil, v, err
	}
	if len(id.Pins) > 0 {
		late := v
		late.timeless = true
		if h.timeless, err = newClient(c, base, late); err != nil {
			return nil, v, err
		}
	}
	return h, v, nil
}

// newClient keeps to HTTP/1.1 (one request at a time needs no more), follows
// no redirect, and keeps one connection for a whole case.
func newClient(c Config, base string, v verifier, shown ...tls.Certificate) (*http.Client, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	d, err := newDialer(c, u.Hostname())
	if err != nil {
		return nil, err
	}
	way, err := proxy(c.Proxy)
	if err != nil {
		return nil, err
	}
	config := v.config()
	config.Certificates = shown
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:           d.DialContext,
			Proxy:                 way,
			TLSClientConfig:       config,
			TLSHandshakeTimeout:   dialTimeout,
			ExpectContinueTimeout: 5 * time.Second,
			MaxIdleConns:          2,
			IdleConnTimeout:       5 * time.Minute,
			DisableCompression:    true,
		},
	}, nil
}

// Name is "https".
func (h *HTTPS) Name() string { return "https" }

// Close ends the idle connections.
func (h *HTTPS) Close() error {
	for _, c := range []*http.Client{h.known, h.unknown, h.timeless} {
		if c != nil {
			c.CloseIdleConnections()
		}
	}
	return nil
}

// Pull asks for the terminal's command and lets the question stay open for wait.
func (h *HTTPS) Pull(ctx context.Context, etag string, wait time.Duration) ([]byte, string, error) {
	header := http.Header{}
	if etag != "" {
		header.Set("If-None-Match", etag)
	}
	if seconds := int(wait / time.Second); seconds > 0 {
		header.Set("Prefer", "wait="+strconv.Itoa(seconds))
	}
	a, err := h.ask(ctx, h.known, question{
		method: http.MethodGet, path: "/v1/terminals/" + url.PathEscape(h.terminal) + "/command",
		header: header, limit: wait + answerTimeout,
	})
	switch {
	case err != nil:
		return nil, etag, fmt.Errorf("cannot pull the command: %w", err)
	case a.code == http.StatusNotModified, a.code == http.StatusNoContent:
		return nil, etag, nil
	}
	return a.body, a.header.Get("ETag"), nil
}

// Put delivers one object.
func (h *HTTPS) Put(ctx context.Context, object Object, body []byte) ([]byte, error) {
	path, err := object.route()
	if err != nil {
		return nil, err
	}
	a, err := h.ask(ctx, h.known, question{method: http.MethodPut, path: path, body: body})
	if err != nil {
		return nil, fmt.Errorf("cannot deliver %s: %w", object.file(), err)
	}
	return a.reply()
}

// Fetch brings one object.
func (h *HTTPS) Fetch(ctx context.Context, object Object) ([]byte, error) {
	path, err := object.route()
	if err != nil {
		return nil, err
	}
	a, err := h.ask(ctx, h.known, question{method: http.MethodGet, path: path})
	var s *Status
	if (errors.As(err, &s) && s.Code == http.StatusNotFound) || (err == nil && a.code == http.StatusNoContent) {
		return nil, ErrNotYet
	}
	if err != nil {
		return nil, fmt.Errorf("cannot fetch %s: %w", object.file(), err)
	}
	return a.reply()
}

// Time asks for a signed time. If the desk's certificate fails only because of
// its dates, the question is asked once more without them: chain, name and pin
// still hold, and the answer is believed for its signature alone.
func (h *HTTPS) Time(ctx context.Context, body []byte) ([]byte, error) {
	q := question{method: http.MethodPost, path: "/v1/time", body: body}
	a, err := h.ask(ctx, h.unknown, q)
	if wrongDates(err) && h.timeless != nil {
		a, err = h.ask(ctx, h.timeless, q)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot ask for the time: %w", err)
	}
	return a.reply()
}

// Reveal hands over the preimage, without a client certificate.
func (h *HTTPS) Reveal(ctx context.Context, caseID string, body []byte) error {
	if err := checkID("case", caseID); err != nil {
		return err
	}
	_, err := h.ask(ctx, h.unknown, question{
		method: http.MethodPut, path: "/v1/cases/" + url.PathEscape(caseID) + "/tombstone", body: body,
	})
	if err != nil {
		return fmt.Errorf("cannot reveal the tombstone: %w", err)
	}
	return nil
}

// route is the object's path at the desk. Only the tickets' is in the plural.
func (o Object) route() (string, error) {
	if err := o.check(); err != nil {
		return "", err
	}
	kind := o.Kind
	if kind == "ticket" {
		kind = "tickets"
	}
	return "/v1/cases/" + url.PathEscape(o.Case) + "/" + kind + "/" + strconv.FormatInt(o.N, 10), nil
}
