package keys

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Create makes a store in dir with a new data key, device key, TLS key and
// identity KEK, all drawn from random, and returns it open. dir is made if it
// is absent; its parent must exist. A finished store is never touched
// (ErrExists); one whose making was cut short is made anew, over its own pages.
//
//	empty -> files filled at random -> keys in place -> marker: finished
//	  ^                     |                  |
//	  +---- power cut ------+------------------+
func Create(dir string, random io.Reader) (*Store, error) {
	abs, err := makeDirectory(dir)
	if err == nil {
		err = refuseFormer(abs)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot create the key store: %w", err)
	}
	if _, err := os.Lstat(markerFile.path(abs)); err == nil {
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

// fill makes every class, with its keys in place and synced, before the marker.
func (s *Store) fill() error {
	for _, c := range classes {
		keys := map[name]Secret{}
		_, drawn := c.names()
		for _, n := range drawn {
			secret, err := s.draw(n)
			if err != nil {
				return err
			}
			keys[n] = secret
		}
		if err := s.makeClass(c, keys); err != nil {
			return err
		}
		for n, secret := range keys {
			s.keep(n, secret)
		}
	}
	return s.mark()
}

// mark makes the marker. Its name is all it says; on disk it is one entry of the
// directory, so it is there or not, whatever is cut.
func (s *Store) mark() error {
	f, err := os.OpenFile(markerFile.path(s.dir), os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return syncDirectory(s.dir)
}

// draw makes the 32 bytes of one key. A P-256 scalar must be below the group
// order; a draw that is not (fewer than one in 2^32) is drawn again.
func (s *Store) draw(n name) (Secret, error) {
	key := newSecret(32)
	for {
		if _, err := io.ReadFull(s.rand, key.Bytes()); err != nil {
			key.Wipe()
			return Secret{}, fmt.Errorf("cannot draw a key: %w", err)
		}
		if n == tlsName {
			if _, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), key.Bytes()); err != nil {
				continue
			}
		}
		return key, nil
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

// refuseFormer tells a store of the first form, one page a key and renamed into
// place, from a damaged one. A file that cannot be read may be one of it, unless the
// marker is there and is not: then it is the trouble of its own class.
func refuseFormer(dir string) error {
	names, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	marked, unread := false, error(nil)
	for _, n := range names {
		if !n.Type().IsRegular() {
			continue
		}
		path := filepath.Join(dir, n.Name())
		former, err := isFormer(path)
		switch {
		case former:
			return ErrFormer
		case err != nil:
			unread = errors.Join(unread, err)
		case path == markerFile.path(dir):
			marked = true
		}
	}
	if marked {
		return nil
	}
	return unread
}

// isFormer reads how a file begins.
func isFormer(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head := make([]byte, len(formerly))
	if _, err := io.ReadFull(f, head); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	return string(head) == formerly, nil
}
