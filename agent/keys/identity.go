package keys

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"fmt"
	"slices"
)

func publicOf(seed Secret) ed25519.PublicKey {
	if seed.Len() != ed25519.SeedSize {
		return nil
	}
	private := ed25519.NewKeyFromSeed(seed.Bytes())
	defer clear(private)
	return slices.Clone(private.Public().(ed25519.PublicKey))
}

// DevicePublic returns the device's Ed25519 public key (32 bytes), or nil if
// the identity was already destroyed when the store was opened.
func (s *Store) DevicePublic() ed25519.PublicKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.public)
}

// Sign returns the device key's Ed25519 signature over message (64 bytes).
func (s *Store) Sign(message []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seed, err := s.get(deviceName)
	if err == nil && seed.Len() != ed25519.SeedSize {
		err = ErrDamaged
	}
	if err != nil {
		return nil, fmt.Errorf("cannot sign with the device key: %w", err)
	}
	private := ed25519.NewKeyFromSeed(seed.Bytes())
	defer clear(private)
	return ed25519.Sign(private, message), nil
}

// TLSKey returns the P-256 key of the terminal's client certificate. The copy
// handed out is beyond the reach of Forget.
func (s *Store) TLSKey() (*ecdsa.PrivateKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tls != nil {
		return s.tls, nil
	}
	scalar, err := s.get(tlsName)
	if err != nil {
		return nil, fmt.Errorf("cannot use the TLS key: %w", err)
	}
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar.Bytes())
	if err != nil {
		return nil, fmt.Errorf("cannot use the TLS key: %w", ErrDamaged)
	}
	s.tls = key
	return key, nil
}
