package transport

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	tusVersion = "1.0.0"
	// chunkTimeout bounds one chunk: 256 KiB over a poor cellular line takes more
	// than a minute, and after the last one the desk opens and recounts the file.
	chunkTimeout = 10 * time.Minute
	uploadsPath  = "/v1/uploads"
)

// sealedFile is a file on its way up, and where the desk keeps it.
type sealedFile struct {
	routes
	object Object
	size   int64
	digest string
	chunk  int64
	at     string // the upload's path, once the desk has told it
}

// resume delivers a file in chunks (tus 1.0). The desk tells how much it has
// durably, so a broken connection, a power cut here or a desk that was killed
// costs one chunk. What the desk says about offsets is believed only as far as
// where to go on: the end is the receipt, which the caller verifies.
func (r routes) resume(ctx context.Context, object Object, size int64, digest string, chunk int64, open func() (io.ReadCloser, error)) ([]byte, error) {
	if err := object.check(); err != nil {
		return nil, err
	}
	if _, err := contentDigest(digest); err != nil {
		return nil, err
	}
	file, err := open()
	if err != nil {
		return nil, fmt.Errorf("cannot open %s to deliver it: %w", object.file(), err)
	}
	u := &sealedFile{routes: r, object: object, size: size, digest: digest, chunk: max(chunk, 1)}
	err = u.deliver(ctx, file)
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("cannot deliver %s: %w", object.file(), err)
	}
	reply, err := r.Fetch(ctx, Object{Case: object.Case, Kind: "receipt", N: object.N})
	if errors.Is(err, ErrNotYet) {
		// Not ErrNotYet: that would say that the bytes are safe, and there is no sign of it.
		err = fmt.Errorf("cannot deliver %s: the desk took every byte of it and has no receipt", object.file())
	}
	return reply, err
}

// deliver sends what is missing, and goes on by itself after a break for as long
// as something moves; without that it is for the caller to wait.
func (u *sealedFile) deliver(ctx context.Context, file io.Reader) error {
	offset, err := u.begin(ctx)
	if err != nil {
		return err
	}
	from := &reader{Reader: file}
	for {
		err := u.send(ctx, from, offset)
		if err == nil || ctx.Err() != nil || Permanent(err) && !elsewhere(err) {
			return err
		}
		stands, asked := u.where(ctx)
		if asked != nil || stands <= offset {
			return err // nothing moves
		}
		offset = stands
	}
}

// elsewhere tells that the desk stands at another offset than it was told: an
// answer was lost, or something on the way lied.
func elsewhere(err error) bool {
	var s *Status
	return errors.As(err, &s) && s.Code == http.StatusConflict && s.Err == "E28:offset"
}

// begin opens the upload at the desk, or finds it there.
func (u *sealedFile) begin(ctx context.Context) (int64, error) {
	word := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	a, err := u.ask(ctx, true, question{method: http.MethodPost, path: uploadsPath, limit: chunkTimeout, header: http.Header{
		"Tus-Resumable": {tusVersion},
		"Upload-Length": {strconv.FormatInt(u.size, 10)},
		"Upload-Metadata": {"case " + word(u.object.Case) + ",digest " + word(u.digest) + ",kind " + word(u.object.Kind) +
			",n " + word(strconv.FormatInt(u.object.N, 10))},
	}})
	if err != nil {
		return 0, err
	}
	at, err := url.Parse(a.header.Get("Location"))
	if err != nil || !strings.HasPrefix(at.EscapedPath(), uploadsPath+"/") || strings.Contains(at.Path, "..") {
		return 0, errors.New("the desk does not say where the file goes")
	}
	u.at = at.EscapedPath()
	return u.offset(a)
}

// where asks the desk how much of the file it has.
func (u *sealedFile) where(ctx context.Context) (int64, error) {
	a, err := u.ask(ctx, true, question{method: http.MethodHead, path: u.at, header: http.Header{"Tus-Resumable": {tusVersion}}})
	if err != nil {
		return 0, err
	}
	return u.offset(a)
}

// send sends one chunk after the other. It sends at least one, if an empty one: that is how a file which is all there but was not
// opened yet gets its receipt.
func (u *sealedFile) send(ctx context.Context, from *reader, offset int64) error {
	if err := from.seek(offset); err != nil {
		return err
	}
	for {
		chunk := make([]byte, min(u.chunk, u.size-offset))
		if _, err := io.ReadFull(from, chunk); err != nil {
			return fmt.Errorf("cannot read the file at %d of %d bytes: %w", offset, u.size, err)
		}
		sum := sha256.Sum256(chunk)
		a, err := u.ask(ctx, true, question{method: http.MethodPatch, path: u.at, body: chunk, limit: chunkTimeout, header: http.Header{
			"Content-Type":    {"application/offset+octet-stream"},
			"Tus-Resumable":   {tusVersion},
			"Upload-Offset":   {strconv.FormatInt(offset, 10)},
			"Upload-Checksum": {"sha256 " + base64.StdEncoding.EncodeToString(sum[:])},
		}})
		if err != nil {
			return err
		}
		want := offset + int64(len(chunk))
		if got, err := u.offset(a); err != nil || got != want {
			return fmt.Errorf("the desk has %d bytes of the file, %d were sent: %w", got, want, errors.Join(err, errNotTheDesk))
		}
		if offset = want; offset == u.size {
			return nil
		}
	}
}

// offset reads where the desk stands.
func (u *sealedFile) offset(a answer) (int64, error) {
	n, err := strconv.ParseInt(a.header.Get("Upload-Offset"), 10, 64)
	if err != nil || n < 0 || n > u.size {
		return 0, errors.New("the desk does not say how much of the file it has")
	}
	return n, nil
}

// reader is the file with the place it is read at.
type reader struct {
	io.Reader
	at int64
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.at += int64(n)
	return n, err
}

// seek goes to a place; a source that cannot go back must not be asked to.
func (r *reader) seek(to int64) error {
	if s, ok := r.Reader.(io.Seeker); ok {
		_, err := s.Seek(to, io.SeekStart)
		r.at = to
		return err
	}
	if to < r.at {
		return errors.New("cannot go back in the file")
	}
	_, err := io.CopyN(io.Discard, r, to-r.at)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}
