package transport

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"unbindd/transport/broker"
)

// What a broker is used for.
const (
	Bell = "bell" // it rings, and HTTPS carries
	Pipe = "pipe" // it carries
)

// MQTTConfig says how a broker is reached and what for.
type MQTTConfig struct {
	URL  string `yaml:"url" mapstructure:"url"`   // mqtts://host[:port] or mqtt://; empty: there is no broker
	Open string `yaml:"open" mapstructure:"open"` // where no client certificate is asked for; empty: URL
	Use  string `yaml:"use" mapstructure:"use"`   // Bell or Pipe
	User string `yaml:"user" mapstructure:"user"` // shown to the broker; empty: none is
	// PasswordFile holds the password to it and is read at every connect.
	PasswordFile string        `yaml:"password_file" mapstructure:"password_file"`
	Pins         []string      `yaml:"pins" mapstructure:"pins"`       // of the broker's key; empty: it is believed as the desk is
	Message      int64         `yaml:"message" mapstructure:"message"` // most bytes of one message
	Resend       time.Duration `yaml:"resend" mapstructure:"resend"`   // of a question without an answer
}

const (
	defaultMessage = 120 << 10
	defaultResend  = 10 * time.Second
	// besides is what a message may hold beside its part of a file.
	besides = 16 << 10
)

// MQTT is the link over a broker: the desk's routes as signed messages. The
// broker is believed in nothing; every answer is signed with the key that the
// desk shows on HTTPS, and checked as its certificate is there.
type MQTT struct {
	routes
	known    *broker.Pipe // nil without a client certificate
	unknown  *broker.Pipe
	timeless bool // the desk may be asked for the time past its certificate's dates
	chunk    int64
	least    time.Duration // between two questions for the command
	rung     func()
}

// NewMQTT makes the link; nothing is dialled before the first call. c tells the
// desk's name and how the broker's address is found, m the rest.
func NewMQTT(c Config, m MQTTConfig, id Identity) (*MQTT, error) {
	if err := checkID("terminal", id.Terminal); err != nil {
		return nil, err
	}
	desk, err := newVerifier(id)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Hostname() == "" {
		return nil, fmt.Errorf("cannot use %q as the desk's address: want https://host[:port]", c.URL)
	}
	l := &MQTT{timeless: len(id.Pins) > 0, least: cmp.Or(c.RetryMin, time.Second), rung: func() {}, chunk: max(cmp.Or(m.Message, defaultMessage)-besides, 1<<10)}
	l.routes = routes{terminal: id.Terminal, ask: l.asks}
	pipe := func(address string, open bool, shown ...tls.Certificate) (*broker.Pipe, error) {
		route, err := m.route(c, id, address, shown...)
		return &broker.Pipe{
			Route: route, Terminal: id.Terminal, Open: open, Believe: l.believe(desk, u.Hostname()),
			Message: int(cmp.Or(m.Message, defaultMessage)), Resend: cmp.Or(m.Resend, defaultResend),
		}, err
	}
	if l.unknown, err = pipe(cmp.Or(m.Open, m.URL), true); err != nil || id.Key == nil {
		return l, err
	}
	cert, err := clientCertificate(id)
	if err != nil {
		return nil, err
	}
	if l.known, err = pipe(m.URL, false, cert); err != nil {
		return nil, err
	}
	l.known.Rung = func() { l.rung() }
	l.known.Spread = func(losses int) time.Duration {
		return l.least + Backoff{Min: c.RetryMin, Max: c.RetryMax}.Delay(min(losses, 20))
	}
	l.known.Speaker = &broker.Speaker{Chain: cert.Certificate[:1], Key: id.Key}
	return l, nil
}

// route is the way to a broker. Its certificate is checked as the desk's is, or,
// where its own key is pinned, by that pin. Only its dates are passed over: a
// terminal whose clock is dead reaches the desk's signed time by way of it, and
// a broker cannot do more than a wire could.
func (m MQTTConfig) route(c Config, id Identity, address string, shown ...tls.Certificate) (broker.Route, error) {
	_, host, _, err := broker.Check(address)
	if err != nil {
		return broker.Route{}, err
	}
	if len(m.Pins) > 0 {
		id.Roots, id.Pins = nil, m.Pins
	}
	v, err := newVerifier(id)
	if err != nil {
		return broker.Route{}, err
	}
	v.timeless = true
	config := v.config()
	config.Certificates = shown
	d, err := newDialer(Config{Resolvers: c.Resolvers}, host)
	if err != nil {
		return broker.Route{}, err
	}
	login := m.login()
	if err := login.Check(address); err != nil {
		return broker.Route{}, err
	}
	return broker.Route{URL: address, TLS: config, Login: login, Dial: d.DialContext}, nil
}

func (m MQTTConfig) login() broker.Login { return broker.Login{User: m.User, File: m.PasswordFile} }

// Readable says whether the password can be read now.
func (m MQTTConfig) Readable() error { return m.login().Readable() }

// ErrDenied says that a broker was reached and does not let this client in, which
// only a person can mend.
var ErrDenied = broker.ErrDenied

// believe checks that an answer comes from the desk, by its name, chain, pin and
// dates. The dates are passed over for the question for the time alone.
func (l *MQTT) believe(v verifier, host string) func([]*x509.Certificate, broker.Question) error {
	return func(chain []*x509.Certificate, q broker.Question) error {
		state := tls.ConnectionState{ServerName: host, PeerCertificates: chain}
		err := v.check(state)
		if wrongDates(err) && l.timeless && q.Path == timePath {
			late := v
			late.timeless = true
			err = late.check(state)
		}
		return err
	}
}

// Name is "mqtt".
func (l *MQTT) Name() string { return "mqtt" }

// OnBell has rung called for every bell, and some time after a connection was lost
// that would have brought it, whether or not anybody pulls. Call it before the first
// question.
func (l *MQTT) OnBell(rung func()) { l.rung = rung }

// Close ends the connections and whoever waits on them, for good.
func (l *MQTT) Close() error {
	for _, p := range []*broker.Pipe{l.known, l.unknown} {
		if p != nil {
			p.Close()
		}
	}
	return nil
}

// Pull asks for the command, and again whenever the bell rings, until wait is over.
// Between two questions there is a pause, for anybody may ring without end.
func (l *MQTT) Pull(ctx context.Context, etag string, wait time.Duration) ([]byte, string, error) {
	over := time.NewTimer(wait)
	defer over.Stop()
	for {
		if l.known == nil {
			return nil, etag, fmt.Errorf("cannot pull the command: %w", errNoCertificate)
		}
		bells, lost, err := l.known.Bells(ctx)
		if err != nil {
			return nil, etag, fmt.Errorf("cannot pull the command: %w", err)
		}
		bundle, next, err := l.pull(ctx, etag, 0)
		if bundle != nil || err != nil || wait <= 0 {
			return bundle, next, err
		}
		rest := time.NewTimer(l.least)
		var rang <-chan struct{} // not heard while it rests
		for asks := false; !asks; {
			select {
			case <-rest.C:
				rang = bells
			case <-rang:
				asks = true
			case <-over.C:
				asks, wait = true, 0 // once more, for a bell that was lost
			case <-lost:
				err = broker.ErrLost
			case <-l.known.Closed():
				err = broker.ErrClosed
			case <-ctx.Done():
				err = context.Cause(ctx)
			}
			if err != nil {
				rest.Stop()
				return nil, etag, fmt.Errorf("cannot pull the command: %w", err)
			}
		}
		rest.Stop()
	}
}

// Upload delivers the file in pieces of one message each; every piece is
// acknowledged by the desk, so a broker that loses one costs that one.
func (l *MQTT) Upload(ctx context.Context, object Object, size int64, digest string, open func() (io.ReadCloser, error)) ([]byte, error) {
	return l.resume(ctx, object, size, digest, l.chunk, open)
}

// Time asks for a signed time.
func (l *MQTT) Time(ctx context.Context, body []byte) ([]byte, error) {
	a, err := l.put(ctx, l.aloud(), false, question{method: http.MethodPost, path: timePath, body: body})
	if err != nil {
		return nil, fmt.Errorf("cannot ask for the time: %w", err)
	}
	return a.reply()
}

// aloud is the pipe for what needs no certificate: the terminal's own while it
// has one, for a broker may ask for one where the desk does not.
func (l *MQTT) aloud() *broker.Pipe {
	if l.known != nil {
		return l.known
	}
	return l.unknown
}

// asks is the asker of the link over a broker.
func (l *MQTT) asks(ctx context.Context, known bool, q question) (answer, error) {
	if !known {
		return l.put(ctx, l.aloud(), false, q)
	}
	if l.known == nil {
		return answer{}, errNoCertificate
	}
	return l.put(ctx, l.known, true, q)
}

func (l *MQTT) put(ctx context.Context, p *broker.Pipe, signed bool, q question) (answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, cmp.Or(q.limit, answerTimeout), errors.New("the time for it is over"))
	defer cancel()
	a, err := p.Ask(ctx, broker.Question{Method: q.method, Path: q.path, Header: q.header, Body: q.body}, signed)
	if err != nil {
		return answer{}, err
	}
	if len(a.Body) > MaxBody {
		return answer{}, fmt.Errorf("cannot read the desk's answer %d: it is longer than %d bytes", a.Code, MaxBody)
	}
	if err := isWhole(a.Code, a.Header, a.Body); err != nil {
		return answer{}, err
	}
	if a.Code/100 != 2 && a.Code != http.StatusNotModified {
		return answer{}, newStatus(a.Code, a.Header, a.Body)
	}
	if len(a.Body) == 0 {
		a.Body = nil
	}
	return answer{code: a.Code, header: a.Header, body: a.Body}, nil
}
