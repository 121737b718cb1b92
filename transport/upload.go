package transport

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// errStalled ends an upload that neither moves nor fails.
var errStalled = errors.New("the connection stands still")

// Upload delivers a small file in one request and a larger one in pieces; a desk
// that knows no pieces gets it in one request, too. Once a request ended in the
// middle of its file, files go in pieces, of which the desk keeps what has come: the
// next one would not get further on such a line.
func (h *HTTPS) Upload(ctx context.Context, object Object, size int64, digest string, open func() (io.ReadCloser, error)) ([]byte, error) {
	if size > h.single || h.brokeOff.Load() {
		reply, err := h.resume(ctx, object, size, digest, h.chunk, open)
		if !noSuchRoute(err) {
			return reply, err
		}
	}
	return h.atOnce(ctx, object, size, digest, open)
}

// noSuchRoute tells a desk that does not know a route from one that does not
// have what was asked for.
func noSuchRoute(err error) bool {
	var s *Status
	return errors.As(err, &s) && (s.Code == http.StatusNotFound || s.Code == http.StatusMethodNotAllowed) && s.Err == "E28:route"
}

// atOnce sends the file in one streamed request with its digest in front, so
// that the desk can refuse a damaged one and, having it already, can answer
// before a byte of it is sent. There is no limit on the whole time, only on
// standing still.
func (h *HTTPS) atOnce(ctx context.Context, object Object, size int64, digest string, open func() (io.ReadCloser, error)) ([]byte, error) {
	path, err := object.route()
	if err != nil {
		return nil, err
	}
	field, err := contentDigest(digest)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	file, err := open()
	if err != nil {
		return nil, fmt.Errorf("cannot open %s to deliver it: %w", object.file(), err)
	}
	watch := time.AfterFunc(h.stall, func() { cancel(errStalled) })
	defer watch.Stop()
	var begun atomic.Bool
	body := &moving{ReadCloser: file, moved: func() { begun.Store(true); watch.Reset(h.stall) }}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, h.base+path, body)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	req.ContentLength = size
	req.Header.Set("Content-Type", "application/octet-stream")
	req.Header.Set("Content-Digest", field)
	req.Header.Set("Expect", "100-continue")
	l := LogOf(ctx)
	l.tell(req.Header)
	a, err := send(h.known, req)
	if err != nil {
		if begun.Load() && !Permanent(err) {
			h.brokeOff.Store(true)
		}
		if cause := context.Cause(ctx); errors.Is(cause, errStalled) {
			err = cause
		}
		return nil, fmt.Errorf("cannot deliver %s: %w", object.file(), err)
	}
	l.hear(a.header)
	if err := a.keepsOf(digest); err != nil {
		return nil, fmt.Errorf("cannot deliver %s: %w", object.file(), err)
	}
	return a.reply()
}

// moving tells of every read, which is how an upload shows that it moves.
type moving struct {
	io.ReadCloser
	moved func()
}

func (m *moving) Read(p []byte) (int, error) {
	m.moved()
	return m.ReadCloser.Read(p)
}

// contentDigest writes a digest as the header of RFC 9530 wants it.
func contentDigest(digest string) (string, error) {
	if !pinPattern.MatchString(digest) {
		return "", fmt.Errorf("cannot use digest %q: want sha256: and 64 hex digits", digest)
	}
	raw, err := hex.DecodeString(strings.TrimPrefix(digest, "sha256:"))
	if err != nil {
		return "", err
	}
	return digestField(raw), nil
}

func digestField(sum []byte) string {
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum) + ":"
}
