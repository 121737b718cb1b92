package authority

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// How long certificates live. They are long-lived on purpose: whether a client
// is still welcome is decided by the store, by key and epoch, not by a date that
// a terminal with a dead clock cannot judge.
const (
	caLife     = 20 * 365 * 24 * time.Hour
	serverLife = 10 * 365 * 24 * time.Hour
	clientLife = 5 * 365 * 24 * time.Hour
	backdated  = 24 * time.Hour
)

// CA is the desk's private certificate authority (P-256).
type CA struct {
	Certificate *x509.Certificate
	Key         crypto.Signer
	Random      io.Reader
}

// Issued is a certificate in PEM with what the store remembers of it.
type Issued struct {
	PEM    []byte
	Serial string // hexadecimal
}

// NewCA makes a CA.
func NewCA(name string, now time.Time, random io.Reader) (*CA, error) {
	key, err := NewTLSKey(random)
	if err != nil {
		return nil, err
	}
	ca := &CA{Key: key, Random: random}
	cert, err := ca.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: name + " CA"}, NotBefore: now.Add(-backdated), NotAfter: now.Add(caLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}, key.Public())
	if err != nil {
		return nil, err
	}
	ca.Certificate, err = x509.ParseCertificate(cert)
	if err != nil {
		return nil, fmt.Errorf("cannot make the CA: %w", err)
	}
	return ca, nil
}

// ReadCA reads a CA from its certificate and key file.
func ReadCA(certificate, key string, random io.Reader) (*CA, error) {
	signer, err := ReadKey(key)
	if err != nil {
		return nil, err
	}
	cert, err := ReadCertificate(certificate)
	if err != nil {
		return nil, err
	}
	return &CA{Certificate: cert, Key: signer, Random: random}, nil
}

// ReadCertificate reads the first certificate of a PEM file.
func ReadCertificate(path string) (*x509.Certificate, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read a certificate: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("cannot read the certificate %s: it is not PEM", filepath.Base(path))
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("cannot read the certificate %s: %w", filepath.Base(path), err)
	}
	return cert, nil
}

// NewTLSKey makes a P-256 key: not every TLS terminator takes Ed25519.
func NewTLSKey(random io.Reader) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), random)
	if err != nil {
		return nil, fmt.Errorf("cannot make a TLS key: %w", err)
	}
	return key, nil
}

// PEM is the CA's certificate.
func (ca *CA) PEM() []byte { return certificatePEM(ca.Certificate.Raw) }

// Server issues the desk's own certificate for names and addresses.
func (ca *CA) Server(hosts []string, key crypto.PublicKey, now time.Time) (Issued, error) {
	t := &x509.Certificate{
		Subject: pkix.Name{CommonName: "unbind-desk"}, NotBefore: now.Add(-backdated), NotAfter: now.Add(serverLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, host)
		}
	}
	return ca.issue(t, key)
}

// Client issues a client certificate; unit tells terminals from the ticket signer.
func (ca *CA) Client(name, unit string, key crypto.PublicKey, now time.Time) (Issued, error) {
	return ca.issue(&x509.Certificate{
		Subject:   pkix.Name{CommonName: name, OrganizationalUnit: []string{unit}},
		NotBefore: now.Add(-backdated), NotAfter: now.Add(clientLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, key)
}

func (ca *CA) issue(t *x509.Certificate, key crypto.PublicKey) (Issued, error) {
	der, err := ca.sign(t, key)
	if err != nil {
		return Issued{}, err
	}
	return Issued{PEM: certificatePEM(der), Serial: SerialOf(t)}, nil
}

// sign gives the template a random serial number; without a certificate of its
// own the CA signs itself.
func (ca *CA) sign(t *x509.Certificate, key crypto.PublicKey) ([]byte, error) {
	serial := make([]byte, 16)
	if _, err := io.ReadFull(ca.Random, serial); err != nil {
		return nil, fmt.Errorf("cannot issue a certificate: %w", err)
	}
	serial[0] = serial[0]&0x7f | 0x40 // positive and always of the same length
	t.SerialNumber = new(big.Int).SetBytes(serial)
	parent := ca.Certificate
	if parent == nil {
		parent = t
	}
	der, err := x509.CreateCertificate(ca.Random, t, parent, key, ca.Key)
	if err != nil {
		return nil, fmt.Errorf("cannot issue a certificate: %w", err)
	}
	return der, nil
}

// SerialOf is a certificate's serial number in hexadecimal.
func SerialOf(c *x509.Certificate) string { return hex.EncodeToString(c.SerialNumber.Bytes()) }

func certificatePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
