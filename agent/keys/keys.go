// Package keys is the host key store: every secret the terminal itself holds, in
// three classes that die at three moments, in a directory of its own.
//
// It promises five things. A store is made whole or not at all: a half-made one
// is recognised and made anew, a finished one is never overwritten. A key on disk
// lies wrapped under its class's root, and the root in one file that is made once
// and only ever written over, so that destroying that file destroys the class. A
// write that is cut, torn or lost leaves the older or the newer generation, never
// none. A class of keys that was destroyed is reported as gone, not as an error.
// And nothing in here can be printed.
//
//	root (k1, k4, k7) + stretch (k2, k5, k8) --HKDF--> wraps the keys in the box (k3, k6, k9)
//
// It does not destroy files: package wipe does, on the paths of Files. A key in
// a file on flash is protected by no more than that file's erasure (MediumOf).
// What is in this process's memory is cleared by Forget, but for what ciphers
// copied; only a new process image is free of that.
//
//	keys.go      classes, the store, what is there and what is gone
//	create.go    making a store, telling one of the former form
//	class.go     root, stretch and wrapped keys of a class
//	file.go      one key file: made once, written in place, two slots
//	slot.go      one slot: generation, content, sum
//	medium.go    what a file system does with a key file
//	identity.go  device key (Ed25519) and TLS key (P-256)
//	pairing.go   the reader's pairing key
//	sealing.go   the ledger's AEAD, the tombstone's preimage
//	secret.go    bytes that print nothing
//	buffer.go    the memory they lie in
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
	"slices"
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

var classes = []Class{Data, Line, Identity}

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
	// ErrFormer says that the store is whole and of a form that is read no more.
	ErrFormer = errors.New("it was made by an earlier unbindd, in a form that this one does not read; empty the state directory and enrol the terminal anew")
)

// Store holds the keys of one directory. It is safe for concurrent use.
type Store struct {
	dir  string
	rand io.Reader

	mu     sync.Mutex
	held   map[name]Secret
	broken map[Class]error
	told   []string
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
	if err := refuseFormer(abs); err != nil {
		return nil, fmt.Errorf("cannot open the key store: %w", err)
	}
	if _, err := os.Lstat(markerFile.path(abs)); errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("cannot open the key store: %w", ErrAbsent)
	} else if err != nil {
		return nil, fmt.Errorf("cannot open the key store: %w", err)
	}
	s := newStore(abs, rand.Reader)
	for _, c := range classes {
		s.load(c)
	}
	return s, nil
}

func newStore(dir string, random io.Reader) *Store {
	return &Store{dir: dir, rand: random, held: map[name]Secret{}, broken: map[Class]error{}}
}

// load reads one class; why it could not is kept for whoever asks for its keys.
func (s *Store) load(c Class) {
	got, err := s.readClass(c)
	switch {
	case err == nil:
		for n, secret := range got.keys {
			s.keep(n, secret)
		}
	case !errors.Is(err, os.ErrNotExist):
		s.broken[c] = err
	}
}

func (s *Store) keep(n name, secret Secret) {
	s.held[n] = secret
	delete(s.broken, n.class())
	if !secret.locked {
		s.tell("the kernel does not lock the memory that keys lie in; they may reach swap or a core dump")
	}
	if n == deviceName {
		s.public = publicOf(secret)
	}
}

func (n name) class() Class {
	for _, c := range classes {
		if all, _ := c.names(); slices.Contains(all, n) {
			return c
		}
	}
	return 0
}

// tell takes note of a weakness that a person should know, once.
func (s *Store) tell(what string) {
	if !slices.Contains(s.told, what) {
		s.told = append(s.told, what)
	}
}

// Told lists, in sentences, what the kernel or the medium refused to do for the
// keys; nothing in it names a secret.
func (s *Store) Told() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.told)
}

// get returns a key that is held, or says why it is not.
func (s *Store) get(n name) (Secret, error) {
	if secret, ok := s.held[n]; ok {
		return secret, nil
	}
	if err, ok := s.broken[n.class()]; ok {
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
	needed, drawn := c.names()
	if c == Identity {
		needed = drawn
	}
	for _, n := range needed {
		if _, ok := s.held[n]; !ok {
			return false
		}
	}
	return len(needed) > 0
}

// Unread says why the keys of a class are not at hand although files of it are there;
// nil where they were read, or are gone. What could not be read is not erased.
func (s *Store) Unread(c Class) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken[c]
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
// in the order to do it: the root first, because with it the whole class is dead.
// A path that does not exist is named too, because "already gone" is evidence. A
// write that was cut leaves nothing beside these files. The last identity file
// marks the store as finished, so it has to go last.
func Files(dir string, c Class) []string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		abs = dir
	}
	if !slices.Contains(classes, c) {
		return nil
	}
	var paths []string
	for p := range parts {
		paths = append(paths, c.file(p).path(abs))
	}
	if c == Identity {
		paths = append(paths, markerFile.path(abs))
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
	all, _ := c.names()
	for _, n := range all {
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
