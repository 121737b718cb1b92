// Package blob is where a desk keeps sealed backups: files that nobody changes,
// found by their digest.
//
// It promises nothing itself; what every keeper must keep is in blobtest. A
// folder is in blob/folder; an S3 API can stand in its place, with an upload of
// several parts behind Receive and a key of the digest behind Keep.
//
//	blob.go  the keeper and the upload
//	part.go  how far a file in pieces has come
package blob

import (
	"errors"
	"io"
	"time"

	"unbindd/agent/envelope"
)

// ErrAbsent says that there is no blob of a digest.
var ErrAbsent = errors.New("there is no such file")

// ErrBusy says that an upload of that name is being written at this moment.
var ErrBusy = errors.New("the upload is being written")

// Keeper keeps blobs. Several desks may share one.
type Keeper interface {
	// Receive begins an upload, or goes on with the one of that name that was
	// left. An upload has one writer at a time: ErrBusy. Names are 1 to 64 of
	// a-z, 0-9 and -; without a name nobody can go on with the upload. The desk
	// gives none so far.
	Receive(name string) (Upload, error)
	// Open reads a kept blob; ErrAbsent if there is none.
	Open(d envelope.Digest) (io.ReadCloser, int64, error)
	// Extend writes the next bytes of a file in pieces behind At.Offset and says how
	// far it has come when they are durable. What lies behind that offset was never
	// answered for, and is written over. Names are those of Receive.
	Extend(name string, at At, chunk []byte) (At, error)
	// Whole makes an upload of a file in pieces that is all there; ErrAbsent if
	// nothing of that name is, as after its Keep.
	Whole(name string, at At) (Upload, error)
	// Forget removes a file in pieces; one that is not there is no error.
	Forget(name string) error
	// Sweep removes uploads that nobody has written to since a moment, and those
	// without a name that a dead process left.
	Sweep(since time.Time) error
}

// Upload is a blob on its way in. Its caller ends it with Keep, Leave or Drop.
type Upload interface {
	io.Writer
	// Size is how many bytes are there, Digest what they come to.
	Size() int64
	Digest() envelope.Digest
	// Reopen reads what was written, from its beginning.
	Reopen() (io.ReadCloser, error)
	// Keep makes the blob durable under its digest and ends the upload. A blob
	// that is there already has the same bytes.
	Keep() error
	// Leave ends the writing, so that Receive can go on where it stopped. What a
	// power cut leaves of an upload may be spoilt; its digest tells. After Keep it does
	// nothing.
	Leave() error
	// Drop ends the upload and forgets it; after Keep or Leave it does nothing.
	Drop() error
}
