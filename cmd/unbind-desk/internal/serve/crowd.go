package serve

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// crowd is a listener that lets in only so many. Whoever shows no certificate is
// counted by his address; with a certificate of the desk's CA he is counted by
// that, so that a thousand terminals behind one address are no crowd. Who is one
// too many is cut off at once, and costs neither a handshake nor a goroutine.
type crowd struct {
	net.Listener
	limits Limits
	log    zerolog.Logger

	mu     sync.Mutex
	all    int
	from   map[string]int   // without a certificate, by address
	shown  map[[32]byte]int // by certificate
	told   map[string]bool  // the address was cut off, and that is in the log
	cutOff int              // in all
}

func newCrowd(l net.Listener, limits Limits, log zerolog.Logger) *crowd {
	return &crowd{Listener: l, limits: limits, log: log, from: map[string]int{}, shown: map[[32]byte]int{}, told: map[string]bool{}}
}

// Accept waits for the next one who may come in.
func (c *crowd) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if v := c.enter(conn); v != nil {
			return v, nil
		}
		if t, ok := conn.(*net.TCPConn); ok {
			_ = t.SetLinger(0) // nothing was said: nothing is left to be heard
		}
		_ = conn.Close() // he is gone either way
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

func (c *crowd) enter(conn net.Conn) *visitor {
	source := sourceOf(conn.RemoteAddr())
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all >= c.limits.All || c.from[source] >= c.limits.Source {
		c.cutOff++
		if !c.told[source] {
			c.told[source] = true
			c.log.Warn().Str("source", source).Int("of-it", c.from[source]).Int("in-all", c.all).Msg("too many connections: the next ones are cut off")
		}
		return nil
	}
	c.all++
	c.from[source]++
	return &visitor{Conn: conn, crowd: c, source: source}
}

// visitor is a connection that is counted.
type visitor struct {
	net.Conn
	crowd  *crowd
	source string
	key    *[32]byte // once it has shown a certificate
	gone   bool
}

var errManyConnections = errors.New("too many connections with this certificate")

// isKnown counts a visitor by its certificate from now on.
func (v *visitor) isKnown(cert *x509.Certificate) error {
	key := sha256.Sum256(cert.Raw)
	c := v.crowd
	c.mu.Lock()
	defer c.mu.Unlock()
	if v.gone || v.key != nil {
		return nil
	}
	if c.shown[key] >= c.limits.Certificate {
		c.cutOff++
		c.log.Warn().Str("client", cert.Subject.CommonName).Int("of-it", c.shown[key]).Msg("too many connections: the next ones are cut off")
		return errManyConnections
	}
	c.leaveSource(v.source)
	v.key = &key
	c.shown[key]++
	return nil
}

// Close ends the connection and makes room.
func (v *visitor) Close() error {
	c := v.crowd
	c.mu.Lock()
	if !v.gone {
		v.gone = true
		c.all--
		if v.key == nil {
			c.leaveSource(v.source)
		} else if c.shown[*v.key]--; c.shown[*v.key] == 0 {
			delete(c.shown, *v.key)
		}
	}
	c.mu.Unlock()
	return v.Conn.Close()
}

func (c *crowd) leaveSource(source string) {
	if c.from[source]--; c.from[source] == 0 {
		delete(c.from, source)
		delete(c.told, source)
	}
}

// greeted makes the settings of one connection: whatever certificate it shows is
// looked at also where a session is resumed, when nobody else does.
func (s *Server) greeted(config *tls.Config) func(*tls.ClientHelloInfo) (*tls.Config, error) {
	return func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		own := config.Clone()
		own.VerifyConnection = func(state tls.ConnectionState) error {
			if len(state.PeerCertificates) == 0 {
				return nil
			}
			cert := state.PeerCertificates[0]
			if _, err := cert.Verify(x509.VerifyOptions{
				Roots: config.ClientCAs, CurrentTime: config.Time(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
			}); err != nil {
				return err
			}
			if v, ok := hello.Conn.(*visitor); ok {
				return v.isKnown(cert)
			}
			return nil
		}
		return own, nil
	}
}

// moving is a body that must go on: each span of time brings its least, or the
// deadline strikes.
type moving struct {
	from   interface{ Read([]byte) (int, error) }
	extend func(time.Time) error
	limits Limits
	came   int64
	begun  bool
}

// Read reads on, and gives the next span its time once this one has brought enough.
func (m *moving) Read(p []byte) (int, error) {
	if !m.begun || m.came >= m.limits.Least {
		if err := m.extend(time.Now().Add(m.limits.Stall)); err != nil {
			return 0, err
		}
		m.begun, m.came = true, 0
	}
	n, err := m.from.Read(p)
	m.came += int64(n)
	return n, err
}
