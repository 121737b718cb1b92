// Package keys is the host key store: every secret the terminal itself holds,
// one file each, in a directory of its own.
//
// It promises four things. A store is made whole or not at all: a half-made one
// is recognised and made anew, a finished one is never overwritten. Every key
// file is one page, written once, with the key in one place and random filling
// around it, so that destroying the file destroys the only copy on disk. A
// class of keys that was destroyed is reported as gone, not as an error. And
// nothing in here can be printed.
//
// It does not destroy files: package wipe does, on the paths of Files. A key in
// a file on flash is protected by no more than that file's erasure, and what is
// in this process's memory only by Forget, which is best effort.
//
//	keys.go      classes, the store, what is there and what is gone
//	create.go    making a store
//	file.go      one key file: frame, atomic write, read
//	identity.go  device key (Ed25519) and TLS key (P-256)
//	pairing.go   the reader's pairing key
//	sealing.go   the ledger's AEAD, the tombstone's preimage
//	secret.go    bytes that print nothing
package keys

import (
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// Class is a group of keys that are destroyed together, at one step of the plan.
type Class uint8

// The classes, in the order in which an unbinding destroys them.
const (
	Data     Class = iota + 1 // the ledger's data key
	Line                      // the pairing key shared with the reader
	Identity                  // device key, TLS key, identity KEK, sealed preimage
)

// String names the class as logs and certificates do.
func (c Class) String() string {
	switch c {
	case Data:
		return "data"
	case Line:
		return "line"
	case Identity:
		return "identity"
	}
	return fmt.Sprintf("class-%d", uint8(c))
}

var (
	// ErrAbsent says that the directory holds no finished store.
	ErrAbsent = errors.New("no key store here")
	// ErrExists says that there is already a store, or already another pairing key.
	ErrExists = errors.New("already there")
	// ErrGone says that the key asked for was destroyed, forgotten or never set.
	ErrGone = errors.New("the key is gone")
	// ErrDamaged says that a key file is there and cannot be read as one.
	ErrDamaged = errors.New("the key file is damaged")
)

// Store holds the keys of one directory. It is safe for concurrent use.
type Store struct {
	dir  string
	rand io.Reader

	mu     sync.Mutex
	held   map[name]Secret
	broken map[name]error
	ledger cipher.AEAD
	tls    *ecdsa.PrivateKey
	public ed25519.PublicKey
}

// Open reads the store in dir. A class that was destroyed, wholly or half, does
// not fail: Has and Gone tell. ErrAbsent means that there is nothing to read:
// no store, or one whose making was cut short and which Create will make anew.
func Open(dir string) (*Store, error) {
	abs, err := ownDirectory(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("cannot open the key store: %w", ErrAbsent)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open the key store: %w", err)
	}
	if _, err := os.Lstat(markerName.path(abs)); errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("cannot open the key store: %w", ErrAbsent)
	} else if err != nil {
		return nil, fmt.Errorf("cannot open the key store: %w", err)
	}
	s := newStore(abs, rand.Reader)
	for _, n := range keyNames {
		s.load(n)
	}
	return s, nil
}

func newStore(dir string, random io.Reader) *Store {
	return &Store{dir: dir, rand: random, held: map[name]Secret{}, broken: map[name]error{}}
}

// load reads one file; why it could not is kept for whoever asks for that key.
func (s *Store) load(n name) {
	secret, err := readFile(s.dir, n)
	switch {
	case err == nil:
		s.keep(n, secret)
	case !errors.Is(err, os.ErrNotExist):
		s.broken[n] = err
	}
}

func (s *Store) keep(n name, secret Secret) {
	s.held[n] = secret
	delete(s.broken, n)
	if n == deviceName {
		s.public = publicOf(secret)
	}
}

// get returns a key that is held, or says why it is not.
func (s *Store) get(n name) (Secret, error) {
	if secret, ok := s.held[n]; ok {
		return secret, nil
	}
	if err, ok := s.broken[n]; ok {
		return Secret{}, err
	}
	return Secret{}, ErrGone
}

// Has reports whether every key of the class is at hand and can be used; after
// Forget it is not. The sealed preimage is not asked for: it comes late in an
// unbinding.
func (s *Store) Has(c Class) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range c.needed() {
		if _, ok := s.held[n]; !ok {
			return false
		}
	}
	return len(c.needed()) > 0
}

// Gone reports whether no file of the class is left on disk, not even one cut
// short while it was made. A class can be neither: half destroyed, or damaged.
func (s *Store) Gone(c Class) (bool, error) {
	for _, path := range Files(s.dir, c) {
		_, err := os.Lstat(path)
		if err == nil {
			return false, nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return false, fmt.Errorf("cannot see whether the %s keys are gone: %w", c, err)
		}
	}
	return true, nil
}

// Files returns what erasing the class in dir must destroy: absolute paths,
// in the order to do it. A path that does not exist is named too, because
// "already gone" is evidence; leftovers of a cut-short write are among them.
// The last identity file marks the store as finished, so it has to go last.
func Files(dir string, c Class) []string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		abs = dir
	}
	var paths []string
	for _, n := range c.names() {
		paths = append(paths, n.fresh(abs), n.path(abs))
	}
	return paths
}

// Files is the function Files for this store's directory.
func (s *Store) Files(c Class) []string { return Files(s.dir, c) }

// Forget drops the class's keys from this store's memory. It clears what the
// store holds; it cannot clear what ciphers expanded, what the runtime copied
// or what was handed out by Bytes, TLSKey and LedgerAEAD. Only a new process
// image is free of those. The device's public key stays known.
func (s *Store) Forget(c Class) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range c.names() {
		if secret, ok := s.held[n]; ok {
			secret.Wipe()
			delete(s.held, n)
		}
	}
	switch c {
	case Data:
		s.ledger = nil
	case Identity:
		s.tls = nil
	}
}

// Format prints the word "keys" whatever is asked, so that no verb walks into
// the fields.
func (s *Store) Format(f fmt.State, _ rune) { io.WriteString(f, "keys") }
