package keys

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// name is a key file. The names say nothing about the content to somebody who
// reads the directory.
type name uint8

const (
	markerName   name = iota // no secret: its presence says that the store is finished
	dataName                 // ledger data key, 32 bytes
	pairingName              // reader pairing key, length as the reader wants it
	deviceName               // Ed25519 seed, 32 bytes
	tlsName                  // P-256 private scalar, 32 bytes
	kekName                  // identity KEK, 32 bytes
	preimageName             // nonce and sealed tombstone preimage, 72 bytes
)

var keyNames = []name{dataName, pairingName, deviceName, tlsName, kekName, preimageName}

func (n name) path(dir string) string  { return filepath.Join(dir, fmt.Sprintf("k%d", n)) }
func (n name) fresh(dir string) string { return n.path(dir) + ".new" }

// names lists the class's files in the order to destroy them.
func (c Class) names() []name {
	switch c {
	case Data:
		return []name{dataName}
	case Line:
		return []name{pairingName}
	case Identity:
		return []name{kekName, preimageName, deviceName, tlsName, markerName}
	}
	return nil
}

func (c Class) needed() []name {
	if c == Identity {
		return []name{deviceName, tlsName, kekName}
	}
	return c.names()
}

// A key file is one page:
//
//	"UNBKEY01" | file number u8 | 0 | length u16 | CRC-32C u32 | key | random filling
//
// integers big-endian; the CRC covers everything before itself, then the key.
const (
	pageSize   = 4096
	magic      = "UNBKEY01"
	headerSize = len(magic) + 2 + 2 + 4
	maxKey     = pageSize - headerSize
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func frame(n name, key []byte, random io.Reader) ([]byte, error) {
	if len(key) > maxKey {
		return nil, fmt.Errorf("cannot frame a key of %d bytes: a page holds %d", len(key), maxKey)
	}
	page := make([]byte, pageSize)
	if _, err := io.ReadFull(random, page[headerSize+len(key):]); err != nil {
		return nil, fmt.Errorf("cannot fill a key page: %w", err)
	}
	copy(page, magic)
	page[8] = byte(n)
	binary.BigEndian.PutUint16(page[10:], uint16(len(key)))
	copy(page[headerSize:], key)
	binary.BigEndian.PutUint32(page[12:], checksum(page, len(key)))
	return page, nil
}

func checksum(page []byte, length int) uint32 {
	crc := crc32.Update(0, castagnoli, page[:12])
	return crc32.Update(crc, castagnoli, page[headerSize:headerSize+length])
}

// unframe returns the key inside page; the slice points into page.
func unframe(n name, page []byte) ([]byte, error) {
	if len(page) != pageSize || string(page[:8]) != magic || page[8] != byte(n) || page[9] != 0 {
		return nil, ErrDamaged
	}
	length := int(binary.BigEndian.Uint16(page[10:]))
	if length > maxKey || binary.BigEndian.Uint32(page[12:]) != checksum(page, length) {
		return nil, ErrDamaged
	}
	return page[headerSize : headerSize+length], nil
}

// writeFile puts one key on disk: whole page, fsync, rename, fsync of the
// directory. A leftover of a cut-short write is overwritten in place and not
// truncated, so that no old key stays behind in a freed block.
func (s *Store) writeFile(n name, key []byte) error {
	page, err := frame(n, key, s.rand)
	if err != nil {
		return err
	}
	defer clear(page)
	flags := os.O_WRONLY | os.O_CREATE | unix.O_NOFOLLOW
	f, err := os.OpenFile(n.fresh(s.dir), flags, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(page, 0)
	if err = errors.Join(err, f.Truncate(pageSize), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(n.fresh(s.dir), n.path(s.dir)); err != nil {
		return err
	}
	return syncDirectory(s.dir)
}

func readFile(dir string, n name) (Secret, error) {
	f, err := os.OpenFile(n.path(dir), os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return Secret{}, err
	}
	defer f.Close()
	page := make([]byte, pageSize+1)
	defer clear(page)
	length, err := io.ReadFull(f, page)
	if err == nil || (!errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF)) {
		return Secret{}, errors.Join(ErrDamaged, err)
	}
	key, err := unframe(n, page[:length])
	if err != nil {
		return Secret{}, err
	}
	return NewSecret(key), nil
}

func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// ownDirectory returns dir's absolute path if nobody but its owner can enter it.
func ownDirectory(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	info, err := os.Lstat(abs)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", errors.New("it is not a directory")
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return "", fmt.Errorf("its mode is %04o and must be 0700", perm)
	}
	return abs, nil
}
