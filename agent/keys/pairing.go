package keys

import (
	"errors"
	"fmt"
	"os"
)

// SetPairing stores the key shared with the reader; it keeps a copy of its own.
// The same key again is fine, as enrolment may be repeated; another one is
// refused with ErrExists until the line class has been erased, because putting
// it in the old one's place would leave the old one behind in a freed block.
func (s *Store) SetPairing(key Secret) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if key.Len() == 0 || key.Len() > maxKey {
		return fmt.Errorf("cannot store the pairing key: %d bytes are not a key", key.Len())
	}
	held, err := s.get(pairingName)
	if err == nil && held.Equal(key) {
		return nil
	}
	if err == nil {
		err = ErrExists
	} else if errors.Is(err, ErrGone) {
		err = s.writeNew(pairingName, key.Bytes())
	}
	if err != nil {
		return fmt.Errorf("cannot store the pairing key: %w", err)
	}
	s.keep(pairingName, NewSecret(key.Bytes()))
	return nil
}

// Pairing returns the key shared with the reader; ErrGone if there is none.
// The Secret shares its bytes with the store, so Forget wipes it.
func (s *Store) Pairing() (Secret, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, err := s.get(pairingName)
	if err != nil {
		return Secret{}, fmt.Errorf("cannot use the pairing key: %w", err)
	}
	return key, nil
}

// writeNew writes a key whose file must not be there: one that was forgotten in
// memory is still on disk.
func (s *Store) writeNew(n name, key []byte) error {
	_, err := os.Lstat(n.path(s.dir))
	if err == nil {
		return ErrExists
	}
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return s.writeFile(n, key)
}
