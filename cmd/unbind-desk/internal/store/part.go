package store

import (
	"crypto/sha256"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"os"
	"path/filepath"

	"unbindd/agent/envelope"
)

// inParts is a bucket of its own that is made when the first part is written,
// so that a store of an earlier desk needs nothing.
const inParts = "parts"

// block is what a medium may lose as a whole when the power goes during a write
// to a part of it. Bytes that were answered for and share a block with bytes that
// come are therefore kept in the record too, and written anew with them.
const block = 4096

// Part is a file that comes in pieces: Offset bytes of it are durable, and State
// is the digest's state after them. What lies behind Offset was never answered
// for and is written over.
type Part struct {
	Key     Key             `json:"key"`
	Digest  envelope.Digest `json:"digest"` // announced
	Size    int64           `json:"size"`   // announced
	Offset  int64           `json:"offset"`
	State   []byte          `json:"state"`
	Tail    []byte          `json:"tail"`    // the bytes before Offset in its block
	Touched int64           `json:"touched"` // when something was last done with it
}

// Part reads a part; ErrAbsent when there is none.
func (t *Tx) Part(k Key) (Part, error) {
	var p Part
	b := t.tx.Bucket([]byte(inParts))
	if b == nil {
		return p, ErrAbsent
	}
	raw := b.Get([]byte(k.text()))
	if raw == nil {
		return p, ErrAbsent
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return p, fmt.Errorf("cannot read a part: %w", err)
	}
	return p, nil
}

// PutPart writes a part.
func (t *Tx) PutPart(p Part) error {
	if _, err := t.tx.CreateBucketIfNotExists([]byte(inParts)); err != nil {
		return fmt.Errorf("cannot write a part: %w", err)
	}
	return put(t, inParts, p.Key.text(), p)
}

// DropPart removes a part's record; one that is not there is no error.
func (t *Tx) DropPart(k Key) error {
	b := t.tx.Bucket([]byte(inParts))
	if b == nil {
		return nil
	}
	return b.Delete([]byte(k.text()))
}

// Parts calls each for every part.
func (t *Tx) Parts(each func(Part) error) error {
	if t.tx.Bucket([]byte(inParts)) == nil {
		return nil
	}
	return all(t, inParts, "", func(_ string, p Part) error { return each(p) })
}

// NewPart is a part of which nothing has come.
func NewPart(k Key, digest envelope.Digest, size int64) (Part, error) {
	state, err := stateOf(sha256.New())
	return Part{Key: k, Digest: digest, Size: size, State: state}, err
}

// Extend writes the next bytes behind the part's offset and syncs them, and
// returns the part as it is to be recorded. Nothing is answered for before the
// record is committed; a cut in between leaves bytes that the next try writes over.
func (s *Store) Extend(p Part, chunk []byte) (Part, error) {
	sum, err := hashOf(p.State)
	if err != nil {
		return p, err
	}
	whole := append(append([]byte{}, p.Tail...), chunk...)
	if err := s.writeAt(p, whole); err != nil {
		return p, fmt.Errorf("cannot keep a piece of a file: %w", err)
	}
	sum.Write(chunk)
	p.Offset += int64(len(chunk))
	p.Tail = whole[len(whole)-int(min(p.Offset%block, int64(len(whole)))):]
	p.State, err = stateOf(sum)
	return p, err
}

// writeAt writes from the beginning of the block that the part ends in.
func (s *Store) writeAt(p Part, whole []byte) (err error) {
	f, err := os.OpenFile(s.partFile(p.Key), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.WriteAt(whole, p.Offset-int64(len(p.Tail))); err != nil {
		return err
	}
	if err := f.Sync(); err != nil || p.Offset > 0 {
		return err
	}
	return syncDir(s.blobs) // the name, once
}

// Whole turns a part of which everything has come into an upload, to be opened,
// compared and kept like any other. A cut after Keep leaves its bytes under their
// digest and the record as it was: then it goes on from there. ErrAbsent says that
// they are in neither place.
func (s *Store) Whole(p Part) (*Upload, error) {
	sum, err := hashOf(p.State)
	if err != nil {
		return nil, err
	}
	u := &Upload{dir: s.blobs, sum: sum, size: p.Offset}
	u.file, err = os.OpenFile(s.partFile(p.Key), os.O_RDWR, 0o600)
	if errors.Is(err, os.ErrNotExist) {
		u.kept = true
		u.file, err = s.Blob(u.Digest())
		return u, err
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open a received file: %w", err)
	}
	_, err = u.file.WriteAt(p.Tail, p.Offset-int64(len(p.Tail)))
	if err = errors.Join(err, u.file.Truncate(p.Offset)); err != nil {
		return nil, fmt.Errorf("cannot open a received file: %w", errors.Join(err, u.file.Close()))
	}
	return u, nil
}

// RemovePart removes a part's file; one that is not there is no error.
func (s *Store) RemovePart(k Key) error {
	if err := os.Remove(s.partFile(k)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("cannot remove a part: %w", err)
	}
	return nil
}

func (s *Store) partFile(k Key) string {
	return filepath.Join(s.blobs, "part-"+envelope.DigestOf([]byte(k.text())).Hex())
}

func hashOf(state []byte) (hash.Hash, error) {
	sum := sha256.New()
	u, ok := sum.(encoding.BinaryUnmarshaler)
	if !ok {
		return nil, errors.New("cannot go on with a digest: this build cannot")
	}
	if err := u.UnmarshalBinary(state); err != nil {
		return nil, fmt.Errorf("cannot go on with a digest: %w", err)
	}
	return sum, nil
}

func stateOf(sum hash.Hash) ([]byte, error) {
	m, ok := sum.(encoding.BinaryMarshaler)
	if !ok {
		return nil, errors.New("cannot note a digest: this build cannot")
	}
	return m.MarshalBinary()
}

// Leave ends an upload whose file stays where it is, to be finished later.
func (u *Upload) Leave() error {
	if err := u.file.Close(); err != nil {
		return fmt.Errorf("cannot leave an upload: %w", err)
	}
	return nil
}
