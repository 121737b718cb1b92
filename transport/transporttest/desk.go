package transporttest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"unbindd/transport"
)

// Desk is a desk in memory behind TLS 1.3, with a CA of its own.
type Desk struct {
	URL    string
	CA     *x509.Certificate // the private root
	Server *x509.Certificate // what the desk shows
	// Before may answer a request instead of the store; it then returns true.
	// Set it before the first request.
	Before func(w http.ResponseWriter, r *http.Request) bool

	key       *ecdsa.PrivateKey // the CA's
	serverKey *ecdsa.PrivateKey
	store     *store
}

// Life is how long the desk's certificates are valid.
type Life struct{ From, To time.Time }

// Now is a life around the present.
func Now() Life { return Life{time.Now().Add(-time.Hour), time.Now().Add(time.Hour)} }

// NewDesk starts a desk that ends with the test.
func NewDesk(t *testing.T, life Life) *Desk {
	t.Helper()
	d := &Desk{key: newKey(t), store: newStore()}
	d.CA = sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "desk CA"}, NotBefore: life.From, NotAfter: life.To,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, d.key, d.key)
	serverKey := newKey(t)
	d.serverKey = serverKey
	d.Server = sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "desk"}, NotBefore: life.From, NotAfter: life.To,
		DNSNames: []string{"desk.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, d.CA, serverKey, d.key)
	clients := x509.NewCertPool()
	clients.AddCert(d.CA)
	server := httptest.NewUnstartedServer(http.HandlerFunc(d.serve))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are what some tests are about
	server.TLS = &tls.Config{
		MinVersion:   tls.VersionTLS13,
		ClientAuth:   tls.VerifyClientCertIfGiven,
		ClientCAs:    clients,
		Certificates: []tls.Certificate{{Certificate: [][]byte{d.Server.Raw, d.CA.Raw}, PrivateKey: serverKey}},
		Time:         func() time.Time { return life.From.Add(time.Minute) },
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	d.URL = server.URL
	return d
}

func (d *Desk) serve(w http.ResponseWriter, r *http.Request) {
	if d.Before != nil && d.Before(w, r) {
		return
	}
	d.Serve(w, r)
}

// Serve answers a request as the desk does when nothing comes before.
func (d *Desk) Serve(w http.ResponseWriter, r *http.Request) { d.store.ServeHTTP(w, r) }

// Identity is what an enrolled terminal knows and shows.
func (d *Desk) Identity(t *testing.T, terminal string) transport.Identity {
	t.Helper()
	key := newKey(t)
	cert := sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: terminal}, NotBefore: d.CA.NotBefore, NotAfter: d.CA.NotAfter,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, d.CA, key, d.key)
	return transport.Identity{
		Terminal: terminal, Roots: d.CA.Raw, Pins: []string{transport.Pin(d.CA)},
		Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}), Key: key,
	}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// sign makes a certificate; without an issuer it signs itself.
func sign(t *testing.T, template, issuer *x509.Certificate, key, issuerKey *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	if issuer == nil {
		issuer = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), issuerKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// Offer puts body where the terminal's Pull looks.
func (d *Desk) Offer(_ *testing.T, body []byte) { d.store.offer(body) }

// Place puts body where Fetch looks.
func (d *Desk) Place(_ *testing.T, o transport.Object, body []byte) { d.store.set(pathOf(o), body) }

// Collect has nothing to do: this desk answers at once.
func (d *Desk) Collect(*testing.T) {}

// Held is what arrived as the object.
func (d *Desk) Held(_ *testing.T, o transport.Object) []byte { return d.store.get(pathOf(o)) }

// Forge has everything refused, as somebody can who holds the desk's TLS key.
func (d *Desk) Forge(_ *testing.T, _ transport.Object, status int, code string) (stop func()) {
	d.store.forge(func(w http.ResponseWriter) { refuse(w, status, code, "it will not be taken") })
	return func() { d.store.forge(nil) }
}

// Revealed is what arrived as a case's tombstone.
func (d *Desk) Revealed(_ *testing.T, caseID string) []byte {
	return d.store.get(caseID + " tombstone")
}
