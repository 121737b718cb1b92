package keys

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"golang.org/x/crypto/chacha20poly1305"
)

// name is one key inside a class's box.
type name uint8

const (
	dataName     name = iota + 1 // ledger data key, 32 bytes
	pairingName                  // reader pairing key, length as the reader wants it
	deviceName                   // Ed25519 seed, 32 bytes
	tlsName                      // P-256 private scalar, 32 bytes
	kekName                      // identity KEK, 32 bytes
	preimageName                 // nonce and sealed tombstone preimage, 72 bytes
)

// names are the keys that a class may hold, drawn those that it is made with.
func (c Class) names() (all, drawn []name) {
	switch c {
	case Data:
		return []name{dataName}, []name{dataName}
	case Line:
		return []name{pairingName}, nil
	case Identity:
		return []name{deviceName, tlsName, kekName, preimageName}, []name{deviceName, tlsName, kekName}
	}
	return nil, nil
}

// maxKey bounds one key, so that a whole class fits its slot.
const maxKey = 1024

// entryHead is what stands before a wrapped key: name u8, length u16, nonce.
const entryHead = 1 + 2 + chacha20poly1305.NonceSizeX

// entry is one wrapped key: nonce and box point into the slot.
type entry struct {
	name       name
	nonce, box []byte
}

// parseBox takes a class's slot apart. What follows the last entry, or a key that
// stands twice, is damage.
func parseBox(c Class, content []byte) ([]entry, error) {
	known, _ := c.names()
	var all []entry
	for rest := content; len(rest) > 0; {
		if len(rest) < entryHead {
			return nil, ErrDamaged
		}
		e := entry{name: name(rest[0]), nonce: rest[3:entryHead]}
		length := int(binary.BigEndian.Uint16(rest[1:]))
		if rest = rest[entryHead:]; length < chacha20poly1305.Overhead || length > len(rest) {
			return nil, ErrDamaged
		}
		twice := slices.ContainsFunc(all, func(o entry) bool { return o.name == e.name })
		if twice || !slices.Contains(known, e.name) {
			return nil, ErrDamaged
		}
		e.box, rest = rest[:length], rest[length:]
		all = append(all, e)
	}
	return all, nil
}

// label is what a wrapped key is bound to: its class, its name, and the
// generation of the slot it lies in.
func label(c Class, n name, generation uint64) []byte {
	return binary.BigEndian.AppendUint64(append([]byte("unbindd/wrapped-key/1"), byte(c), byte(n)), generation)
}

// wrapKey derives what the class's keys are wrapped with:
//
//	HKDF-SHA256(root secret || SHA-512(stretch file), "unbindd/kek/1/<class>")
//
// The stretch makes 64 KiB of disk necessary where 32 bytes would do, so that
// losing any piece of it is enough.
func (s *Store) wrapKey(c Class, secret Secret) (cipher.AEAD, error) {
	random, err := s.readStretch(c)
	if err != nil {
		return nil, err
	}
	sum := sha512.Sum512(random)
	material := newSecret(secret.Len() + len(sum))
	defer material.Wipe()
	copy(material.Bytes(), secret.Bytes())
	copy(material.Bytes()[secret.Len():], sum[:])
	key, err := hkdf.Key(sha256.New, material.Bytes(), nil, "unbindd/kek/1/"+c.String(), chacha20poly1305.KeySize)
	if err != nil {
		return nil, fmt.Errorf("cannot derive the %s class's key: %w", c, err)
	}
	defer clear(key)
	return chacha20poly1305.NewX(key)
}

func (s *Store) readStretch(c Class) ([]byte, error) {
	f, err := s.openPast(c.file(stretch), os.O_RDONLY, false)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	random := make([]byte, fileSize+1)
	n, err := io.ReadFull(f, random)
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && err != nil {
		return nil, err // what could not be read may be whole
	}
	if n != fileSize {
		return nil, ErrDamaged
	}
	return random[:n], nil
}

// class is a class as it lies on disk.
type class struct {
	keys       map[name]Secret
	aead       cipher.AEAD
	generation uint64
	next       int
}

func (c class) wipe() {
	for _, secret := range c.keys {
		secret.Wipe()
	}
}

// readClass opens a class's keys. os.ErrNotExist: a file of it is gone, and with
// it the class.
func (s *Store) readClass(c Class) (class, error) {
	secret, _, _, err := s.newest(c.file(root))
	if err != nil {
		return class{}, err
	}
	defer secret.Wipe()
	got := class{keys: map[name]Secret{}}
	if got.aead, err = s.wrapKey(c, secret); err != nil {
		return class{}, err
	}
	content, generation, next, err := s.newest(c.file(box))
	if err != nil {
		return class{}, err
	}
	defer content.Wipe()
	got.generation, got.next = generation, next
	all, err := parseBox(c, content.Bytes())
	for _, e := range all {
		key := newSecret(len(e.box) - got.aead.Overhead())
		got.keys[e.name] = key
		if _, err = got.aead.Open(key.Bytes()[:0], e.nonce, e.box, label(c, e.name, generation)); err != nil {
			err = ErrDamaged
			break
		}
	}
	if err != nil {
		got.wipe()
		return class{}, err
	}
	return got, nil
}

// writeBox wraps keys for a generation and puts them into a slot.
func (s *Store) writeBox(c Class, aead cipher.AEAD, keys map[name]Secret, generation uint64, slot int) error {
	var content []byte
	known, _ := c.names()
	for _, n := range known {
		secret, ok := keys[n]
		if !ok {
			continue
		}
		head := make([]byte, entryHead)
		head[0] = byte(n)
		binary.BigEndian.PutUint16(head[1:], uint16(secret.Len()+aead.Overhead()))
		if _, err := io.ReadFull(s.rand, head[3:]); err != nil {
			return fmt.Errorf("cannot wrap a key: %w", err)
		}
		content = append(content, head...)
		content = aead.Seal(content, head[3:], secret.Bytes(), label(c, n, generation))
	}
	return s.put(c.file(box), slot, generation, content)
}

// add puts one key into a class that is there, as its next generation.
func (s *Store) add(c Class, n name, key []byte) error {
	now, err := s.readClass(c)
	if err != nil {
		return err
	}
	defer now.wipe()
	if old, ok := now.keys[n]; ok {
		old.Wipe()
	}
	now.keys[n] = NewSecret(key)
	return s.writeBox(c, now.aead, now.keys, now.generation+1, now.next)
}

// makeClass makes a class's files, over the pages of those that are there. The
// root goes to disk last: until it is whole nothing of the class can be opened,
// and from then on everything can.
func (s *Store) makeClass(c Class, keys map[name]Secret) error {
	for p := range parts {
		if err := s.prepare(c.file(p)); err != nil {
			return err
		}
	}
	if err := syncDirectory(s.dir); err != nil {
		return err
	}
	secret := newSecret(32)
	defer secret.Wipe()
	if _, err := io.ReadFull(s.rand, secret.Bytes()); err != nil {
		return fmt.Errorf("cannot draw a key: %w", err)
	}
	aead, err := s.wrapKey(c, secret)
	if err != nil {
		return err
	}
	if err := s.writeBox(c, aead, keys, 1, 0); err != nil {
		return err
	}
	return s.put(c.file(root), 0, 1, secret.Bytes())
}
