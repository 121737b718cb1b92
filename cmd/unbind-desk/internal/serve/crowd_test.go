package serve

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/desk"
)

// addressed is a connection from an address of a test's choice.
type addressed struct {
	net.Conn
	from string
}

func (a addressed) RemoteAddr() net.Addr {
	at, err := net.ResolveTCPAddr("tcp", a.from)
	if err != nil {
		panic(err) // the tests write addresses
	}
	return at
}

func (a addressed) Close() error { return nil }

// crowdedDoor is a door under test.
type crowdedDoor struct {
	*testing.T
	*crowd
}

// comes lets somebody in, and says who had to go for him.
func (d crowdedDoor) comes(from string) (v, oldest *visitor) { return d.enter(addressed{from: from}) }

// stays lets somebody in to stay.
func (d crowdedDoor) stays(from string, cert *x509.Certificate) (*visitor, error) {
	d.Helper()
	v, _ := d.comes(from)
	if v == nil {
		d.Fatalf("%s is not let in", from)
	}
	return v, v.isIn(cert)
}

func (d crowdedDoor) must(v *visitor, err error) *visitor {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
	return v
}

func TestOneSourceTakesItsOwnShare(t *testing.T) {
	d := crowdedDoor{t, newCrowd(nil, Limits{All: 8, Source: 2, Certificate: 1}, zerolog.Nop())}
	first := d.must(d.stays("192.0.2.1:1", nil))
	second := d.must(d.stays("192.0.2.1:2", nil))
	third, err := d.stays("192.0.2.1:3", nil)
	if !errors.Is(err, errManyConnections) {
		t.Fatalf("a third without a certificate: %v", err)
	}
	d.must(d.stays("[2001:db8::1]:1", nil))
	d.must(d.stays("[2001:db8::2:0:0:1]:2", nil))
	if v, err := d.stays("[2001:db8::3]:3", nil); !errors.Is(err, errManyConnections) || v.Close() != nil {
		t.Fatalf("a network of IPv6 is not counted as one: %v", err)
	}
	// With a certificate the third is no stranger, and has one place by it.
	one := &x509.Certificate{Raw: []byte("1")}
	if err := third.isIn(one); err != nil {
		t.Fatal(err)
	}
	fourth, err := d.stays("192.0.2.1:4", one)
	if !errors.Is(err, errManyConnections) {
		t.Fatalf("a second connection with one certificate: %v", err)
	}
	for _, v := range []*visitor{first, first, third, fourth} { // closing twice gives back one place
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
	}
	d.must(d.stays("192.0.2.1:5", nil))
	if _, err := d.stays("192.0.2.1:6", nil); !errors.Is(err, errManyConnections) {
		t.Fatalf("a place came back twice: %v", err)
	}
	d.must(d.stays("192.0.2.9:1", one))
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
}

// Who stands in the door gives way to the next one of his address.
func TestNobodyStandsInTheDoor(t *testing.T) {
	d := crowdedDoor{t, newCrowd(nil, Limits{All: 5, Source: 2, Certificate: 1}, zerolog.Nop())}
	first, _ := d.comes("192.0.2.1:1")
	second, _ := d.comes("192.0.2.1:2")
	third, oldest := d.comes("192.0.2.1:3")
	if third == nil || oldest != first {
		t.Fatalf("for the third %v has to go, want the first", oldest)
	}
	if err := oldest.Close(); err != nil {
		t.Fatal(err)
	}
	if other, gone := d.comes("192.0.2.2:1"); other == nil || gone != nil {
		t.Fatal("another address is held up")
	}
	if fourth, oldest := d.comes("192.0.2.1:4"); fourth == nil || oldest != second {
		t.Fatal("for the fourth the second has to go")
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	for d.crowd.all < d.limits.All {
		d.comes("192.0.2.3:1")
	}
	if late, _ := d.comes("192.0.2.4:1"); late != nil {
		t.Fatal("there are more than the door has places")
	}
}

func TestABodyThatCreepsGetsNoMoreTime(t *testing.T) {
	given := 0
	m := &moving{from: creeping{}, extend: func(time.Time) error { given++; return nil }, limits: Limits{Stall: time.Minute, Least: 100}, place: &place{of: &slots{}, window: time.Minute}}
	for range 99 {
		if _, err := m.Read(make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
	}
	if given != 1 {
		t.Fatalf("99 bytes, a byte at a time, were given %d spans of time", given)
	}
	for range 102 {
		if _, err := m.Read(make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
	}
	if given != 3 {
		t.Fatalf("201 bytes were given %d spans of time, want 3", given)
	}
}

type creeping struct{}

func (creeping) Read(p []byte) (int, error) { p[0] = 'x'; return 1, nil }

// shaking is a TLS door as the desk opens it, and somebody who knocks.
type shaking struct {
	server *tls.Config
	ca     *authority.CA
	now    time.Time
	roots  *x509.CertPool
	cache  tls.ClientSessionCache
}

func newShaking(t *testing.T) *shaking {
	t.Helper()
	k := &shaking{now: time.Now(), cache: tls.NewLRUClientSessionCache(4), roots: x509.NewCertPool()}
	var err error
	if k.ca, err = authority.NewCA("test", k.now, rand.Reader); err != nil {
		t.Fatal(err)
	}
	k.roots.AddCert(k.ca.Certificate)
	d := &desk.Desk{Parts: desk.Parts{CA: k.ca, Now: func() time.Time { return k.now }}}
	shown := k.issue(t, func(key *ecdsa.PrivateKey) (authority.Issued, error) {
		return k.ca.Server([]string{"desk"}, key.Public(), k.now)
	})
	k.server = New(d, zerolog.Nop(), 1).tls(shown)
	return k
}

func (k *shaking) issue(t *testing.T, issue func(*ecdsa.PrivateKey) (authority.Issued, error)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	issued, err := issue(key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(issued.PEM, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// knock makes one handshake and reads one byte; it returns both ends' word.
func (k *shaking) knock(t *testing.T, client *tls.Config) (resumed bool, asked, answered error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	answer := make(chan error, 1)
	go func() {
		far, err := l.Accept()
		if err != nil {
			answer <- err
			return
		}
		defer far.Close()
		_, err = tls.Server(far, k.server).Write([]byte("x"))
		answer <- err
	}()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	c := tls.Client(near, client)
	_, asked = io.ReadFull(c, make([]byte, 1))
	return c.ConnectionState().DidResume, asked, <-answer
}

// A session of somebody whom nobody would let in anew is not resumed.
func TestAResumedSessionIsLookedAt(t *testing.T) {
	k := newShaking(t)
	own := k.issue(t, func(key *ecdsa.PrivateKey) (authority.Issued, error) {
		return k.ca.Client("T-1", "terminal", key.Public(), k.now)
	})
	client := &tls.Config{
		RootCAs: k.roots, ServerName: "desk", ClientSessionCache: k.cache, MinVersion: tls.VersionTLS13, Time: func() time.Time { return k.now },
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &own, nil },
	}
	for n, want := range []bool{false, true} {
		if resumed, asked, answered := k.knock(t, client); resumed != want || asked != nil || answered != nil {
			t.Fatalf("handshake %d: resumed %v, %v, %v", n+1, resumed, asked, answered)
		}
	}
	k.now = k.now.AddDate(6, 0, 0) // the certificate's days are over, the desk's own are not
	if _, _, answered := k.knock(t, client); answered == nil {
		t.Fatal("a session of a certificate whose days are over is resumed")
	}
	k.now = k.now.AddDate(-6, 0, 0)
	k.server.ClientCAs = x509.NewCertPool() // the CA is believed no more
	if _, _, answered := k.knock(t, client); answered == nil {
		t.Fatal("a session of a CA that is believed no more is resumed")
	}
}

func TestOlderTLSIsRefused(t *testing.T) {
	k := newShaking(t)
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12} {
		_, asked, answered := k.knock(t, &tls.Config{
			RootCAs: k.roots, ServerName: "desk", MinVersion: version, MaxVersion: version, Renegotiation: tls.RenegotiateFreelyAsClient,
		})
		if asked == nil || answered == nil {
			t.Fatalf("version %x is spoken", version)
		}
	}
}
