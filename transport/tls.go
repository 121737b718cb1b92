package transport

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"
)

// Identity is what a terminal believes of its desk and what it shows of itself.
// Key and Certificate may be missing: before enrolment there are none, and when
// the tombstone is revealed there are none any more.
type Identity struct {
	Terminal    string           // the terminal's id, as in the binding
	Roots       []byte           // the desk's private CA, PEM or DER; without it a pinned certificate is the root
	Pins        []string         // "sha256:<hex>" of a SubjectPublicKeyInfo; any certificate of the chain may match
	Certificate []byte           // the client certificate with its chain, PEM or DER
	Key         crypto.Signer    // the key to it
	Now         func() time.Time // the clock with its floor; time.Now if nil
}

var pinPattern = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// Pin is the pin of a certificate: SHA-256 of its SubjectPublicKeyInfo.
func Pin(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// verifier decides whether a connection leads to the desk.
type verifier struct {
	roots *x509.CertPool // nil: what is pinned is the root
	pins  []string
	now   func() time.Time
	// timeless takes the leaf's own first moment for the present. Only the
	// question for a signed time may ask so: it is how a terminal with a dead
	// clock gets a living one, and its answer is judged by its signature.
	timeless bool
}

func newVerifier(id Identity) (verifier, error) {
	v := verifier{pins: id.Pins, now: id.Now}
	if v.now == nil {
		v.now = time.Now
	}
	for _, p := range id.Pins {
		if !pinPattern.MatchString(p) {
			return v, fmt.Errorf("cannot use pin %q: want sha256: and 64 hex digits", p)
		}
	}
	if len(id.Roots) == 0 {
		if len(id.Pins) == 0 {
			return v, errors.New("cannot trust any desk: neither roots nor pins are given")
		}
		return v, nil
	}
	certs, err := parseCertificates(id.Roots)
	if err != nil {
		return v, fmt.Errorf("cannot read the desk's roots: %w", err)
	}
	v.roots = x509.NewCertPool()
	for _, c := range certs {
		v.roots.AddCert(c)
	}
	return v, nil
}

// check is the whole verification of a connection. It hangs in
// VerifyConnection, which TLS calls for every connection; its siblings are
// passed over when a session is resumed.
func (v verifier) check(cs tls.ConnectionState) error {
	if len(cs.PeerCertificates) == 0 {
		return errors.New("cannot trust the desk: it shows no certificate")
	}
	leaf := cs.PeerCertificates[0]
	opts := x509.VerifyOptions{
		DNSName:       cs.ServerName,
		Roots:         v.roots,
		Intermediates: x509.NewCertPool(),
		CurrentTime:   v.now(),
	}
	if v.timeless {
		opts.CurrentTime = leaf.NotBefore
	}
	if opts.Roots == nil {
		opts.Roots = v.pinned(cs.PeerCertificates)
	}
	for _, c := range cs.PeerCertificates[1:] {
		opts.Intermediates.AddCert(c)
	}
	chains, err := leaf.Verify(opts)
	if err != nil {
		return fmt.Errorf("cannot trust the desk: %w", err)
	}
	if len(v.pins) > 0 && !slices.ContainsFunc(chains, v.holdsPin) {
		return errors.New("cannot trust the desk: no certificate of its chain is pinned")
	}
	return nil
}

func (v verifier) holdsPin(chain []*x509.Certificate) bool {
	return slices.ContainsFunc(chain, func(c *x509.Certificate) bool { return slices.Contains(v.pins, Pin(c)) })
}

func (v verifier) pinned(certs []*x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, c := range certs {
		if slices.Contains(v.pins, Pin(c)) {
			pool.AddCert(c)
		}
	}
	return pool
}

// config is the TLS configuration around v. The library's own verification is
// off only because check does all of it, with the pins for roots where there
// is no CA, and with the name and, but for the one exception, the clock.
func (v verifier) config() *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS13,
		InsecureSkipVerify: true,
		VerifyConnection:   v.check,
		Time:               v.now,
	}
}

// clientCertificate joins certificate and key, refusing a pair that does not
// belong together here rather than in the middle of a case.
func clientCertificate(id Identity) (tls.Certificate, error) {
	certs, err := parseCertificates(id.Certificate)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("cannot read the client certificate: %w", err)
	}
	public, ok := id.Key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(certs[0].PublicKey) {
		return tls.Certificate{}, errors.New("cannot use the client certificate: it is not for this key")
	}
	joined := tls.Certificate{PrivateKey: id.Key, Leaf: certs[0]}
	for _, c := range certs {
		joined.Certificate = append(joined.Certificate, c.Raw)
	}
	return joined, nil
}

// parseCertificates reads one or more certificates, in PEM or in DER.
func parseCertificates(data []byte) ([]*x509.Certificate, error) {
	if bytes.Contains(data, []byte("-----BEGIN")) {
		var der []byte
		for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
			if block.Type == "CERTIFICATE" {
				der = append(der, block.Bytes...)
			}
		}
		data = der
	}
	certs, err := x509.ParseCertificates(data)
	if err == nil && len(certs) == 0 {
		err = errors.New("there is none in it")
	}
	return certs, err
}
