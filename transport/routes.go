package transport

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// keptHeader is how the desk says of which bytes its "yes" is. A portal, a proxy
// or a balancer that answers 204 to everything does not know it, so a word that
// is not signed is at least never taken from somebody who did not read the bytes.
const keptHeader = "Unbindd-Kept"

// errNotTheDesk refuses a success that does not name what it is about.
var errNotTheDesk = errors.New("the answer does not say which bytes are kept: it is not the desk's")

// asker puts one question to the desk; known asks as this terminal, otherwise as
// anybody.
type asker func(ctx context.Context, known bool, q question) (answer, error)

// routes are the desk's routes, whatever carries question and answer.
type routes struct {
	terminal string
	ask      asker
}

// Put delivers one object.
func (r routes) Put(ctx context.Context, object Object, body []byte) ([]byte, error) {
	path, err := object.route()
	if err != nil {
		return nil, err
	}
	a, err := r.asked(ctx, true, question{method: http.MethodPut, path: path, body: body, header: announce(body)})
	if err == nil {
		err = a.keeps(body)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot deliver %s: %w", object.file(), err)
	}
	return a.reply()
}

// Fetch brings one object.
func (r routes) Fetch(ctx context.Context, object Object) ([]byte, error) {
	path, err := object.route()
	if err != nil {
		return nil, err
	}
	a, err := r.asked(ctx, true, question{method: http.MethodGet, path: path})
	var s *Status
	if (errors.As(err, &s) && s.Code == http.StatusNotFound) || (err == nil && a.code == http.StatusNoContent) {
		return nil, ErrNotYet
	}
	if err != nil {
		return nil, fmt.Errorf("cannot fetch %s: %w", object.file(), err)
	}
	return a.reply()
}

// Reveal hands over the preimage, without a client certificate.
func (r routes) Reveal(ctx context.Context, caseID string, body []byte) ([]byte, error) {
	if err := checkID("case", caseID); err != nil {
		return nil, err
	}
	a, err := r.asked(ctx, false, question{
		method: http.MethodPut, path: "/v1/cases/" + url.PathEscape(caseID) + "/tombstone", body: body, header: announce(body),
	})
	if err == nil {
		err = a.keeps(body)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot reveal the tombstone: %w", err)
	}
	return a.reply()
}

// pull asks for the terminal's command and lets the question stay open for wait.
func (r routes) pull(ctx context.Context, etag string, wait time.Duration) ([]byte, string, error) {
	header := http.Header{}
	if etag != "" {
		header.Set("If-None-Match", etag)
	}
	if seconds := int(wait / time.Second); seconds > 0 {
		header.Set("Prefer", "wait="+strconv.Itoa(seconds))
	}
	a, err := r.ask(ctx, true, question{
		method: http.MethodGet, path: "/v1/terminals/" + url.PathEscape(r.terminal) + "/command",
		header: header, limit: wait + answerTimeout,
	})
	switch {
	case err != nil:
		return nil, etag, fmt.Errorf("cannot pull the command: %w", err)
	case a.code == http.StatusNotModified, a.code == http.StatusNoContent:
		return nil, etag, nil
	}
	return a.body, a.header.Get("ETag"), nil
}

// announce says of a body what it is, so that the desk tells bytes that were
// damaged on their way, which may be sent again, from bytes that it refuses.
func announce(body []byte) http.Header {
	sum := sha256.Sum256(body)
	return http.Header{"Content-Digest": {digestField(sum[:])}}
}

// keeps checks that a success, or a word that it is on its way (202), is about body.
func (a answer) keeps(body []byte) error {
	sum := sha256.Sum256(body)
	return a.keepsOf("sha256:" + hex.EncodeToString(sum[:]))
}

func (a answer) keepsOf(digest string) error {
	if a.header.Get(keptHeader) != digest {
		return errNotTheDesk
	}
	return nil
}

// route is the object's path at the desk. Only the tickets' is in the plural.
func (o Object) route() (string, error) {
	if err := o.check(); err != nil {
		return "", err
	}
	kind := o.Kind
	if kind == "ticket" {
		kind = "tickets"
	}
	return "/v1/cases/" + url.PathEscape(o.Case) + "/" + kind + "/" + strconv.FormatInt(o.N, 10), nil
}
