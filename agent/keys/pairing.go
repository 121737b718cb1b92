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
	} else if errors.Is(err, ErrGone) || errors.Is(err, ErrDamaged) {
		err = s.pair(key)
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

// pair writes the pairing key into its class as it lies on disk: one that was
// only forgotten in memory is still there. A class whose root cannot be read is
// dead, and what is left of it is not worth keeping: it was erased, or its making
// anew was cut; it is made over its own pages.
func (s *Store) pair(key Secret) error {
	secret, _, _, err := s.newest(pairingName.class().file(root))
	secret.Wipe()
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, ErrDamaged) {
		return s.makeClass(Line, map[name]Secret{pairingName: key})
	}
	if err != nil {
		return err
	}
	now, err := s.readClass(Line)
	if err != nil {
		return err
	}
	defer now.wipe()
	if _, ok := now.keys[pairingName]; ok {
		return ErrExists
	}
	return s.add(Line, pairingName, key.Bytes())
}
