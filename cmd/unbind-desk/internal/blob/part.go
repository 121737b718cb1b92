package blob

import (
	"crypto/sha256"
	"encoding"
	"errors"
	"fmt"
	"hash"
)

// Block is what a medium may lose as a whole when the power goes during a write
// to a part of it. Bytes that were answered for and share a block with bytes that
// come are therefore kept in At too, and written anew with them.
const Block = 4096

// At is how far a file in pieces has come: Offset bytes of it are durable, and
// State is the state of their digest. Its caller keeps it, durably, before the
// offset is answered.
type At struct {
	Offset int64
	State  []byte
	Tail   []byte // the bytes before Offset in its block
}

// Begun is a file of which nothing has come.
func Begun() (At, error) {
	state, err := stateOf(sha256.New())
	return At{State: state}, err
}

// With is at after the next bytes. Together with it come the bytes that are to be
// written, from the beginning of the block that at ends in.
func (at At) With(chunk []byte) (next At, whole []byte, err error) {
	sum, err := at.Hash()
	if err != nil {
		return at, nil, err
	}
	whole = append(append([]byte{}, at.Tail...), chunk...)
	sum.Write(chunk)
	next.Offset = at.Offset + int64(len(chunk))
	next.Tail = whole[len(whole)-int(min(next.Offset%Block, int64(len(whole)))):]
	next.State, err = stateOf(sum)
	return next, whole, err
}

// Hash goes on with the digest of what has come.
func (at At) Hash() (hash.Hash, error) {
	sum := sha256.New()
	u, ok := sum.(encoding.BinaryUnmarshaler)
	if !ok {
		return nil, errors.New("cannot go on with a digest: this build cannot")
	}
	if err := u.UnmarshalBinary(at.State); err != nil {
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
