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

	"unbindd/agent/envelope"
)

// ErrAbsent says that there is no blob of a digest.
var ErrAbsent = errors.New("there is no such file")

// ErrBusy says that another is at a file in pieces at this moment.
var ErrBusy = errors.New("the file is being finished")

// Keeper keeps blobs. Several desks may share one.
type Keeper interface {
	// Receive begins an upload. It has no name, so nobody can go on with it.
	Receive() (Upload, error)
	// Open reads a kept blob; ErrAbsent if there is none.
	Open(d envelope.Digest) (io.ReadCloser, int64, error)
	// Extend writes the next bytes of a file in pieces behind At.Offset and says how
	// far it has come when they are durable. What lies behind that offset was never
	// answered for, and is written over. Names are 1 to 64 of a-z, 0-9 and -.
	Extend(name string, at At, chunk []byte) (At, error)
	// Whole makes an upload of a file in pieces that is all there; ErrAbsent if
	// nothing of that name is, as after its Keep. It has one holder at a time: ErrBusy.
	Whole(name string, at At) (Upload, error)
	// Forget removes a file in pieces; one that is not there is no error.
	Forget(name string) error
	// Sweep removes uploads that a dead process left.
	Sweep() error
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
	// Leave ends an upload that Whole made and leaves the file in pieces as it is.
	// After Keep it does nothing.
	Leave() error
	// Drop ends the upload and forgets it; after Keep or Leave it does nothing.
	Drop() error
}
