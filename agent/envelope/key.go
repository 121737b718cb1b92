package envelope

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// Ed25519 is the algorithm name of a key record.
const Ed25519 = "ed25519"

// PublicKey is a key as it stands in a trust bundle or a binding. The algorithm
// belongs to the key, never to a message.
type PublicKey struct {
	Alg string `json:"alg"`
	Pub []byte `json:"pub"` // raw, base64 in JSON
}

// ID is the key id of the raw public key.
func (k PublicKey) ID() KeyID {
	sum := sha256.Sum256(k.Pub)
	return KeyID(k.Alg + ":" + hex.EncodeToString(sum[:8]))
}

// Check says whether the key can be used at all.
func (k PublicKey) Check() error {
	if k.Alg != Ed25519 {
		return fmt.Errorf("cannot use a key: algorithm %q is not supported", k.Alg)
	}
	if len(k.Pub) != ed25519.PublicKeySize {
		return errors.New("cannot use a key: it has the wrong length")
	}
	return nil
}

// Verify checks a signature over message by the key's own algorithm.
func (k PublicKey) Verify(message, signature []byte) bool {
	return k.Check() == nil && len(signature) == ed25519.SignatureSize &&
		ed25519.Verify(ed25519.PublicKey(k.Pub), message, signature)
}

// Signer signs for one key.
type Signer interface {
	Public() PublicKey
	Sign(message []byte) ([]byte, error)
}

// SignerFunc is a Signer made of a public key and a function, for keys that are
// kept elsewhere.
type SignerFunc struct {
	Key PublicKey
	By  func(message []byte) ([]byte, error)
}

// Public returns the key.
func (s SignerFunc) Public() PublicKey { return s.Key }

// Sign calls the function.
func (s SignerFunc) Sign(message []byte) ([]byte, error) { return s.By(message) }

// NewSigner signs with an Ed25519 private key.
func NewSigner(key ed25519.PrivateKey) Signer {
	pub, _ := key.Public().(ed25519.PublicKey) // an ed25519 key has no other public half
	return SignerFunc{
		Key: PublicKey{Alg: Ed25519, Pub: pub},
		By:  func(m []byte) ([]byte, error) { return ed25519.Sign(key, m), nil },
	}
}
