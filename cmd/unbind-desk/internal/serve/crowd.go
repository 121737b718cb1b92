package serve

import (
	"container/list"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"sync"

	"github.com/rs/zerolog"
)

// crowd is a listener that lets in only so many. Whoever shows no certificate is
// counted by his address; with a certificate of the desk's CA he is counted by
// that, so that a thousand terminals behind one address are no crowd. Who he is
// shows only in the handshake: of those who are still at it the newest is let in
// and the oldest of his address goes, so that nobody keeps the others of his
// address out by standing in the door.
type crowd struct {
	net.Listener
	limits Limits
	log    zerolog.Logger

	mu    sync.Mutex
	all   int
	from  map[string]*source
	shown map[[32]byte]int // by certificate
}

// source is an address with its connections.
type source struct {
	shaking   list.List // visitors, the oldest first
	strangers int       // who came in without a certificate
	told      bool      // somebody was cut off, and that is in the log
}

func newCrowd(l net.Listener, limits Limits, log zerolog.Logger) *crowd {
	return &crowd{Listener: l, limits: limits, log: log, from: map[string]*source{}, shown: map[[32]byte]int{}}
}

// Accept waits for the next one who may come in.
func (c *crowd) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		v, oldest := c.enter(conn)
		if oldest != nil {
			_ = oldest.Close() // he is gone either way
		}
		if v != nil {
			return v, nil
		}
		if t, ok := conn.(*net.TCPConn); ok {
			_ = t.SetLinger(0) // nothing was said: nothing is left to be heard
		}
		_ = conn.Close() // as above
	}
}

// sourceOf is what an address is counted under: of IPv6 the network, which is
// given to one customer as a whole.
func sourceOf(addr net.Addr) string {
	at, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return addr.String()
	}
	ip := at.Addr().Unmap().WithZone("")
	if net, err := ip.Prefix(64); ip.Is6() && err == nil {
		return net.String()
	}
	return ip.String()
}

// enter counts a newcomer, and names who has to go for him. Nobody comes in where
// the whole door is full.
func (c *crowd) enter(conn net.Conn) (newcomer, oldest *visitor) {
	v := &visitor{Conn: conn, crowd: c, source: sourceOf(conn.RemoteAddr())}
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.from[v.source]
	if at == nil {
		at = &source{}
	}
	if c.all >= c.limits.All {
		c.tell(at, v.source)
		return nil, nil
	}
	c.from[v.source] = at
	if at.shaking.Len() >= c.limits.Source {
		oldest, _ = at.shaking.Front().Value.(*visitor)
		c.tell(at, v.source)
	}
	c.all++
	v.place = at.shaking.PushBack(v)
	return v, oldest
}

func (c *crowd) tell(at *source, name string) {
	if !at.told {
		at.told = true
		c.log.Warn().Str("source", name).Int("of-it", at.shaking.Len()+at.strangers).Int("in-all", c.all).Msg("too many connections: some are cut off")
	}
}

// visitor is a connection that is counted: in its handshake, without a
// certificate, or by its certificate.
type visitor struct {
	net.Conn
	crowd  *crowd
	source string
	place  *list.Element // in the handshake
	key    *[32]byte     // with a certificate
	gone   bool
}

var errManyConnections = errors.New("too many connections")

// isIn ends a visitor's handshake; cert is nil for who has shown none.
func (v *visitor) isIn(cert *x509.Certificate) error {
	c := v.crowd
	c.mu.Lock()
	defer c.mu.Unlock()
	if v.gone || v.place == nil {
		return nil
	}
	at := c.from[v.source]
	if cert == nil {
		if at.strangers >= c.limits.Source {
			c.tell(at, v.source)
			return errManyConnections
		}
		at.strangers++
	} else {
		key := sha256.Sum256(cert.Raw)
		if c.shown[key] >= c.limits.Certificate {
			c.log.Warn().Str("client", cert.Subject.CommonName).Int("of-it", c.shown[key]).Msg("too many connections: one is cut off")
			return errManyConnections
		}
		c.shown[key]++
		v.key = &key
	}
	at.shaking.Remove(v.place)
	v.place = nil
	c.forget(v.source)
	return nil
}

// Close ends the connection and makes room.
func (v *visitor) Close() error {
	v.crowd.leave(v)
	return v.Conn.Close()
}

func (c *crowd) leave(v *visitor) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v.gone {
		return
	}
	v.gone = true
	c.all--
	switch at := c.from[v.source]; {
	case v.place != nil:
		at.shaking.Remove(v.place)
	case v.key == nil:
		at.strangers--
	default:
		if c.shown[*v.key]--; c.shown[*v.key] == 0 {
			delete(c.shown, *v.key)
		}
	}
	c.forget(v.source)
}

// forget drops an address that has nobody left to be counted by it.
func (c *crowd) forget(name string) {
	if at := c.from[name]; at != nil && at.shaking.Len() == 0 && at.strangers == 0 {
		delete(c.from, name)
	}
}

// greeted makes the settings of one connection: when its handshake is over, new
// or resumed, it is counted by who it turned out to be. That a resumed session's
// certificate is still the CA's and within its days is the library's to check,
// and a test holds it to that.
func (s *Server) greeted(config *tls.Config) func(*tls.ClientHelloInfo) (*tls.Config, error) {
	return func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		v, counted := hello.Conn.(*visitor)
		if !counted {
			return config, nil
		}
		own := config.Clone()
		own.VerifyConnection = func(state tls.ConnectionState) error {
			if len(state.PeerCertificates) == 0 {
				return v.isIn(nil)
			}
			return v.isIn(state.PeerCertificates[0])
		}
		return own, nil
	}
}
