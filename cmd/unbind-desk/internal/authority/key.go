package authority

import (
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"unbindd/agent/envelope"
)

// The PEM labels of key files (RFC 7468).
const (
	privateLabel = "PRIVATE KEY"
	publicLabel  = "PUBLIC KEY"
)

// CreateKey writes a private key as PKCS8 PEM, readable by its owner only.
func CreateKey(path string, key crypto.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", filepath.Base(path), err)
	}
	return Create(path, pem.EncodeToMemory(&pem.Block{Type: privateLabel, Bytes: der}), 0o600)
}

// ReadKey reads one PKCS8 PEM private key.
func ReadKey(path string) (crypto.Signer, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != privateLabel {
		return nil, fmt.Errorf("cannot read the key %s: it is not a PKCS8 PEM private key", filepath.Base(path))
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("cannot read the key %s: it is not a PKCS8 PEM private key", filepath.Base(path))
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("cannot use the key %s: it does not sign", filepath.Base(path))
	}
	return signer, nil
}

// ReadSigner reads an Ed25519 key that signs envelopes.
func ReadSigner(path string) (envelope.Signer, error) {
	key, err := ReadKey(path)
	if err != nil {
		return nil, err
	}
	ed, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("cannot use the key %s: it is not an Ed25519 key", filepath.Base(path))
	}
	return envelope.NewSigner(ed), nil
}

// PublicPEM writes a public key as SubjectPublicKeyInfo, as openssl reads it.
func PublicPEM(key envelope.PublicKey) ([]byte, error) {
	if err := key.Check(); err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(ed25519.PublicKey(key.Pub))
	if err != nil {
		return nil, fmt.Errorf("cannot write a public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: publicLabel, Bytes: der}), nil
}

// ParsePublicPEM reads what PublicPEM wrote.
func ParsePublicPEM(text []byte) (envelope.PublicKey, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != publicLabel {
		return envelope.PublicKey{}, errors.New("cannot read a public key: it is not SubjectPublicKeyInfo in PEM")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	ed, ok := key.(ed25519.PublicKey)
	if err != nil || !ok {
		return envelope.PublicKey{}, errors.New("cannot read a public key: it is not an Ed25519 key")
	}
	return envelope.PublicKey{Alg: envelope.Ed25519, Pub: ed}, nil
}

// PublicFile is the name of a public key's file; a colon does not travel well
// on every file system.
func PublicFile(id envelope.KeyID) string {
	return strings.ReplaceAll(string(id), ":", "_") + ".pem"
}

// p256 is how the SubjectPublicKeyInfo of an uncompressed point on P-256 begins (RFC
// 5480); its 64 bytes follow, and nothing else has this form.
const p256 = "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04"

// ClientSPKI is SPKI of a certificate's key. What the certificate carries of a terminal's
// key is mostly what SPKI would write of it anew.
func ClientSPKI(cert *x509.Certificate) (envelope.Digest, error) {
	if raw := cert.RawSubjectPublicKeyInfo; len(raw) == len(p256)+64 && string(raw[:len(p256)]) == p256 {
		return envelope.DigestOf(raw), nil
	}
	return SPKI(cert.PublicKey)
}

// SPKI is the digest of a public key's SubjectPublicKeyInfo: what pins compare.
func SPKI(key crypto.PublicKey) (envelope.Digest, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", fmt.Errorf("cannot pin a key: %w", err)
	}
	sum := sha256.Sum256(der)
	return envelope.Digest("sha256:" + hex.EncodeToString(sum[:])), nil
}
