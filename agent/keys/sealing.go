package keys

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"io"

	"golang.org/x/crypto/chacha20poly1305"
)

const ledgerInfo = "unbindd/ledger-key/1"

// LedgerAEAD returns the ledger's XChaCha20-Poly1305, keyed by HKDF-SHA256 of
// the data key with no salt and the info "unbindd/ledger-key/1". The binding is
// not mixed in here: the ledger puts it into the associated data.
func (s *Store) LedgerAEAD() (cipher.AEAD, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ledger != nil {
		return s.ledger, nil
	}
	data, err := s.get(dataName)
	if err != nil {
		return nil, fmt.Errorf("cannot use the ledger's data key: %w", err)
	}
	key, err := hkdf.Key(sha256.New, data.Bytes(), nil, ledgerInfo, chacha20poly1305.KeySize)
	if err != nil {
		return nil, fmt.Errorf("cannot derive the ledger's key: %w", err)
	}
	defer clear(key)
	s.ledger, err = chacha20poly1305.NewX(key)
	return s.ledger, err
}

// SealPreimage stores r, sealed under the identity KEK and bound to aad, in
// place of any sealed before. The older one, which stays in the other slot until
// the next, needs no erasing of its own: it cannot be opened without the KEK.
func (s *Store) SealPreimage(r [32]byte, aad []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	aead, err := s.kek()
	if err != nil {
		return fmt.Errorf("cannot seal the preimage: %w", err)
	}
	sealed := make([]byte, aead.NonceSize(), aead.NonceSize()+len(r)+aead.Overhead())
	if _, err := io.ReadFull(s.rand, sealed); err != nil {
		return fmt.Errorf("cannot seal the preimage: %w", err)
	}
	sealed = aead.Seal(sealed, sealed, r[:], aad)
	if err := s.add(Identity, preimageName, sealed); err != nil {
		return fmt.Errorf("cannot seal the preimage: %w", err)
	}
	if old, ok := s.held[preimageName]; ok {
		old.Wipe()
	}
	s.keep(preimageName, NewSecret(sealed))
	return nil
}

// OpenPreimage returns the sealed r. ErrGone if none was sealed or the KEK is
// gone; ErrDamaged if it does not open under this aad.
func (s *Store) OpenPreimage(aad []byte) ([32]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var r [32]byte
	aead, err := s.kek()
	if err != nil {
		return r, fmt.Errorf("cannot open the preimage: %w", err)
	}
	held, err := s.get(preimageName)
	if err != nil {
		return r, fmt.Errorf("cannot open the preimage: %w", err)
	}
	sealed := held.Bytes()
	if len(sealed) != aead.NonceSize()+len(r)+aead.Overhead() {
		return r, fmt.Errorf("cannot open the preimage: %w", ErrDamaged)
	}
	nonce, box := sealed[:aead.NonceSize()], sealed[aead.NonceSize():]
	if _, err := aead.Open(r[:0], nonce, box, aad); err != nil {
		return [32]byte{}, fmt.Errorf("cannot open the preimage: %w", ErrDamaged)
	}
	return r, nil
}

func (s *Store) kek() (cipher.AEAD, error) {
	key, err := s.get(kekName)
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.NewX(key.Bytes())
	if err != nil {
		return nil, ErrDamaged
	}
	return aead, nil
}
