package transport

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// defaultChunk is the piece of a file where nothing is set.
const defaultChunk = 256 << 10

// Config says how the desk is reached.
type Config struct {
	URL       string        `yaml:"url" mapstructure:"url"`             // https://host[:port]; empty: the one that came with enrolment
	Proxy     string        `yaml:"proxy" mapstructure:"proxy"`         // a URL, "direct", or empty for the environment's
	Addresses []string      `yaml:"addresses" mapstructure:"addresses"` // dialled instead of the name in URL, in this order
	Resolvers []string      `yaml:"resolvers" mapstructure:"resolvers"` // asked instead of the system's
	Poll      time.Duration `yaml:"poll" mapstructure:"poll"`           // between two questions for a command
	Wait      time.Duration `yaml:"wait" mapstructure:"wait"`           // how long one question may stay open
	PQ        string        `yaml:"pq" mapstructure:"pq"`               // post-quantum key exchange: "auto" or "off"
	Single    int64         `yaml:"single" mapstructure:"single"`       // a sealed file up to this size goes up in one request
	Chunk     int64         `yaml:"chunk" mapstructure:"chunk"`         // a larger one in pieces of this size, which can be resumed
	RetryMin  time.Duration `yaml:"retry_min" mapstructure:"retry_min"` // Backoff.Min
	RetryMax  time.Duration `yaml:"retry_max" mapstructure:"retry_max"` // Backoff.Max
}

// HTTPS is the link over HTTPS. The terminal asks, the desk never calls.
type HTTPS struct {
	routes
	base     string       // URL without a slash at its end
	known    *http.Client // shows the client certificate; nil without one
	unknown  *http.Client // shows none
	timeless *http.Client // shows none and asks nothing of the desk's dates; nil without pins
	hello    *hello
	stall    time.Duration
	single   int64       // bytes of a file that goes in one request
	chunk    int64       // bytes of one request of a longer one
	brokeOff atomic.Bool // a file in one request did
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
	if h.known, err = newClient(c, h.base, v, h.hello, cert); err != nil {
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
	greeting, err := newHello(c.PQ)
	if err != nil {
		return nil, v, err
	}
	h := &HTTPS{hello: greeting, base: base, stall: 2 * time.Minute, single: c.Single, chunk: cmp.Or(c.Chunk, defaultChunk)}
	h.ask = h.asks
	if h.unknown, err = newClient(c, base, v, h.hello); err != nil {
		return nil, v, err
	}
	if len(id.Pins) > 0 {
		late := v
		late.timeless = true
		if h.timeless, err = newClient(c, base, late, h.hello); err != nil {
			return nil, v, err
		}
	}
	return h, v, nil
}

// newClient keeps to HTTP/1.1 (one request at a time needs no more), follows
// no redirect, and keeps one connection for a whole case.
func newClient(c Config, base string, v verifier, greeting *hello, shown ...tls.Certificate) (*http.Client, error) {
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
		Transport: greeting.over(&http.Transport{
			DialContext:           d.DialContext,
			Proxy:                 way,
			TLSClientConfig:       config,
			TLSHandshakeTimeout:   dialTimeout,
			ExpectContinueTimeout: 5 * time.Second,
			MaxIdleConns:          2,
			IdleConnTimeout:       5 * time.Minute,
			DisableCompression:    true,
		}),
	}, nil
}

// timePath is the one route that may be asked past the dates of a certificate.
const timePath = "/v1/time"

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
	return h.pull(ctx, etag, wait)
}

// Time asks for a signed time. If the desk's certificate fails only because of
// its dates, the question is asked once more without them: chain, name and pin
// still hold, and the answer is believed for its signature alone.
func (h *HTTPS) Time(ctx context.Context, body []byte) ([]byte, error) {
	q := question{method: http.MethodPost, path: timePath, body: body}
	a, err := h.ask(ctx, false, q)
	if wrongDates(err) && h.timeless != nil {
		a, err = h.by(ctx, h.timeless, q)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot ask for the time: %w", err)
	}
	return a.reply()
}
