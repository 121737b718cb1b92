package transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
)

// The values of Config.PQ.
const (
	PQAuto = "auto" // until the network shows that it cannot take it
	PQOff  = "off"
)

// muteHellos is after how many handshakes in a row that nobody answered the
// smaller greeting is tried.
const muteHellos = 2

// classic are the key exchanges whose greeting fits into one segment.
var classic = []tls.CurveID{tls.X25519, tls.CurveP256}

// hello chooses how a connection is greeted. A greeting with a post-quantum key
// is longer than one segment, and there are firewalls that never let the second
// one through: the handshake then waits for an answer that does not come.
type hello struct {
	small atomic.Bool
	mute  atomic.Int32
}

func newHello(setting string) (*hello, error) {
	h := &hello{}
	switch setting {
	case "", PQAuto:
	case PQOff:
		h.small.Store(true)
	default:
		return nil, fmt.Errorf("cannot use %q for post-quantum key exchange: want auto or off", setting)
	}
	return h, nil
}

// over makes a transport greet as h says at that moment.
func (h *hello) over(t *http.Transport) http.RoundTripper {
	small := t.Clone()
	small.TLSClientConfig.CurvePreferences = classic
	return &greeter{hello: h, large: t, small: small}
}

// greeter is a transport with two ways to greet.
type greeter struct {
	*hello
	large, small *http.Transport
}

// RoundTrip sends a request. From the second handshake in a row that nobody
// answers, the smaller greeting is used, and the error says so.
func (g *greeter) RoundTrip(r *http.Request) (*http.Response, error) {
	if g.hello.small.Load() {
		return g.small.RoundTrip(r)
	}
	resp, err := g.large.RoundTrip(r)
	if !unanswered(err) {
		g.mute.Store(0)
		return resp, err
	}
	if g.mute.Add(1) >= muteHellos && g.hello.small.CompareAndSwap(false, true) {
		err = fmt.Errorf("%w; from now on without post-quantum key exchange, which something on the way may not let through", err)
	}
	return resp, err
}

// CloseIdleConnections ends what is not in use.
func (g *greeter) CloseIdleConnections() {
	g.large.CloseIdleConnections()
	g.small.CloseIdleConnections()
}

// unanswered tells a handshake that timed out from everything else; the library
// has no better word for it than its text.
func unanswered(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout() && err.Error() == "net/http: TLS handshake timeout"
}
