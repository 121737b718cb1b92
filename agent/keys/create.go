package keys

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Create makes a store in dir with a new data key, device key, TLS key and
// identity KEK, all drawn from random, and returns it open. dir is made if it
// is absent; its parent must exist. A finished store is never touched
// (ErrExists); one whose making was cut short is made anew, over its own pages.
//
//	empty -> key files, each atomically -> marker: finished
//	  ^               |
//	  +--- power cut -+
func Create(dir string, random io.Reader) (*Store, error) {
	abs, err := makeDirectory(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot create the key store: %w", err)
	}
	if _, err := os.Lstat(markerName.path(abs)); err == nil {
		return nil, fmt.Errorf("cannot create the key store: %w", ErrExists)
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("cannot create the key store: %w", err)
	}
	s := newStore(abs, random)
	if err := s.fill(); err != nil {
		return nil, fmt.Errorf("cannot create the key store: %w", err)
	}
	return s, nil
}

func (s *Store) fill() error {
	if err := s.recycle(); err != nil {
		return err
	}
	for _, n := range []name{dataName, deviceName, tlsName, kekName} {
		secret, err := s.draw(n)
		if err != nil {
			return err
		}
		if err := s.writeFile(n, secret.Bytes()); err != nil {
			return err
		}
		s.keep(n, secret)
	}
	return s.writeFile(markerName, nil)
}

// recycle turns the files of a half-made store into pages to be overwritten. A
// pairing key or preimage cannot be among them: both need a finished store.
func (s *Store) recycle() error {
	for _, n := range keyNames {
		err := os.Rename(n.path(s.dir), n.fresh(s.dir))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// draw makes the 32 bytes of one key. A P-256 scalar must be below the group
// order; a draw that is not (fewer than one in 2^32) is drawn again.
func (s *Store) draw(n name) (Secret, error) {
	key := make([]byte, 32)
	defer clear(key)
	for {
		if _, err := io.ReadFull(s.rand, key); err != nil {
			return Secret{}, fmt.Errorf("cannot draw a key: %w", err)
		}
		if n == tlsName {
			if _, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), key); err != nil {
				continue
			}
		}
		return NewSecret(key), nil
	}
}

func makeDirectory(dir string) (string, error) {
	err := os.Mkdir(dir, 0o700)
	if err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	abs, err := ownDirectory(dir)
	if err != nil {
		return "", err
	}
	return abs, syncDirectory(filepath.Dir(abs))
}
