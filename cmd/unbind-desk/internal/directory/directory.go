package directory

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"unbindd/agent/envelope"
)

// The names of the demo keys, which are also the names of their holders. Only
// Receipt and Enrol are read by the running desk.
const (
	Receipt = "receipt-1"
	Enrol   = "enrol-1"
	Ticket  = "reader-1"
)

// Dir is a desk's directory.
type Dir string

func (d Dir) at(parts ...string) string {
	return filepath.Join(append([]string{string(d)}, parts...)...)
}

// Key is the private key file of a holder.
func (d Dir) Key(holder string) string { return d.at("keys", holder+".pem") }

// Public is the public key file of a key id.
func (d Dir) Public(file string) string { return d.at("pub", file) }

// Identity is the age identity that opens backups.
func (d Dir) Identity() string { return d.at("keys", "recipient.key") }

// CACertificate is the private CA's certificate.
func (d Dir) CACertificate() string { return d.at("ca", "ca.pem") }

// CAKey is the private CA's key.
func (d Dir) CAKey() string { return d.at("ca", "ca.key") }

// Certificate is the TLS certificate of "desk", of the "tickets" signer, or the
// one the desk shows to a broker, "mqtt".
func (d Dir) Certificate(who string) string { return d.at("tls", who+".pem") }

// CertificateKey is the key to Certificate.
func (d Dir) CertificateKey(who string) string { return d.at("tls", who+".key") }

// Anchor is the file with the digest of trust bundle version 1.
func (d Dir) Anchor() string { return d.at("anchor.txt") }

// Trust is the file with the trust bundles as a JSON array.
func (d Dir) Trust() string { return d.at("trust.json") }

// Blobs is the folder of sealed backups.
func (d Dir) Blobs() string { return d.at("blobs") }

// TrustFloor is the file with the newest trust version that the ticket signer saw.
func (d Dir) TrustFloor() string { return d.at("tickets.floor") }

// Socket is where the running desk listens for its operator.
func (d Dir) Socket() string { return d.at("desk.sock") }

// ReadAnchor reads the anchor.
func (d Dir) ReadAnchor() (envelope.Digest, error) {
	text, err := os.ReadFile(d.Anchor())
	if err != nil {
		return "", fmt.Errorf("cannot read the anchor: %w", err)
	}
	anchor := envelope.Digest(strings.TrimSpace(string(text)))
	if !anchor.Valid() {
		return "", errors.New("cannot read the anchor: it is not of the class sha256:<64 hex>")
	}
	return anchor, nil
}
