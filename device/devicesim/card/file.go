package card

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// File is the memory of a card's keys: fixed places, so that a key is overwritten where it lies. A place is
//
//	empty -> (key bytes, then head) full -> (key bytes zero, then head zero) empty
//
// and every arrow is two writes that are each on the disk before the next. A power cut between them leaves a head
// that does not fit its key; such a place is emptied when the file is opened.
type File struct {
	f    *os.File
	keys [filePlaces]filed
}

type filed struct {
	full bool
	id   byte
	key  Key
}

const (
	filePlaces = 16
	placeSize  = 64 // head: full(1) id(1) length(1) 0 crc(4); key
	keyAt      = 16
	keySpace   = 32
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// OpenFile opens a card's memory for one program at a time; where there is none it makes one with the first keys.
func OpenFile(path string, first map[byte]Key) (*File, error) {
	f, err := openFile(path, first)
	if err != nil {
		return nil, fmt.Errorf("cannot open card memory %s: %w", path, err)
	}
	return f, nil
}

func openFile(path string, first map[byte]Key) (*File, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		if err := makeFile(path, first); err != nil {
			return nil, err
		}
		f, err = os.OpenFile(path, os.O_RDWR, 0)
	}
	if err != nil {
		return nil, err
	}
	opened := &File{f: f}
	if err := opened.load(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return opened, nil
}

// makeFile lets a whole memory appear at once.
func makeFile(path string, first map[byte]Key) error {
	if len(first) > filePlaces {
		return ErrFull
	}
	image := make([]byte, 0, filePlaces*placeSize)
	defer clear(image)
	for id, k := range first {
		image = append(image, placeOf(id, k)...)
	}
	next := path + ".new"
	f, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(image[:cap(image)])
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(next, path); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

func (f *File) load() error {
	if err := unix.Flock(int(f.f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("another program has it: %w", err)
	}
	image := make([]byte, filePlaces*placeSize)
	if _, err := io.ReadFull(f.f, image); err != nil {
		return err
	}
	for i := range f.keys {
		place := image[i*placeSize : (i+1)*placeSize]
		kept, sound := readPlace(place)
		f.keys[i] = kept
		if !sound {
			if err := f.empty(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// placeOf is a full place.
func placeOf(id byte, k Key) []byte {
	b := make([]byte, placeSize)
	b[0], b[1] = 1, id
	b[2] = byte(copy(b[keyAt:], k.bytes()))
	binary.BigEndian.PutUint32(b[4:], placeSum(b))
	return b
}

// readPlace returns false for a place that a power cut left between two states.
func readPlace(b []byte) (filed, bool) {
	if bytes.Equal(b, make([]byte, placeSize)) {
		return filed{}, true
	}
	n := min(int(b[2]), keySpace)
	k, err := NewKey(b[keyAt : keyAt+n])
	if err != nil || b[0] != 1 || placeSum(b) != binary.BigEndian.Uint32(b[4:]) {
		return filed{}, false
	}
	return filed{full: true, id: b[1], key: k}, true
}

func placeSum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:4], castagnoli), castagnoli, b[keyAt:keyAt+keySpace])
}

// Find looks a key up.
func (f *File) Find(id byte) (Key, bool) {
	if i := f.place(id); i >= 0 {
		return f.keys[i].key, true
	}
	return Key{}, false
}

func (f *File) place(id byte) int {
	for i, k := range f.keys {
		if k.full && k.id == id {
			return i
		}
	}
	return -1
}

// Put takes a key; one that is there under the same number is deleted first, so a power cut may leave neither.
func (f *File) Put(id byte, k Key) error {
	if err := f.Delete(id); err != nil {
		return err
	}
	for i := range f.keys {
		if !f.keys[i].full {
			return f.fill(i, id, k)
		}
	}
	return ErrFull
}

func (f *File) fill(i int, id byte, k Key) error {
	b := placeOf(id, k)
	defer clear(b)
	if err := f.write(i, keyAt, b[keyAt:]); err != nil {
		return err
	}
	if err := f.write(i, 0, b[:keyAt]); err != nil {
		return err
	}
	own, err := NewKey(k.bytes())
	f.keys[i] = filed{full: true, id: id, key: own}
	return err
}

// Delete overwrites a key with zeros.
func (f *File) Delete(id byte) error {
	if i := f.place(id); i >= 0 {
		return f.empty(i)
	}
	return nil
}

func (f *File) empty(i int) error {
	if err := f.write(i, keyAt, make([]byte, placeSize-keyAt)); err != nil {
		return err
	}
	clear(f.keys[i].key.bytes())
	f.keys[i] = filed{} // whatever its head says
	return f.write(i, 0, make([]byte, keyAt))
}

// write puts bytes in their place and waits for the disk.
func (f *File) write(i, offset int, b []byte) error {
	if _, err := f.f.WriteAt(b, int64(i*placeSize+offset)); err != nil {
		return fmt.Errorf("cannot write card memory: %w", err)
	}
	if err := unix.Fdatasync(int(f.f.Fd())); err != nil {
		return fmt.Errorf("cannot write card memory: %w", err)
	}
	return nil
}

// Close gives the memory free.
func (f *File) Close() error { return f.f.Close() }
