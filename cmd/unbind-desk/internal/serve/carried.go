package serve

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"unbindd/cmd/unbind-desk/internal/desk"
)

// carried serves the operator what a courier brings of a terminal: the very functions
// that serve the terminal itself.
func (s *Server) carried(serve func(http.ResponseWriter, *http.Request, desk.Caller) error) http.HandlerFunc {
	return s.anyone(func(w http.ResponseWriter, r *http.Request) error {
		who, err := s.Desk.Carried(r.PathValue("of"))
		if err != nil {
			return err
		}
		return serve(w, r, who)
	})
}

// ordersNow answers with what waits for the terminal now.
func (s *Server) ordersNow(w http.ResponseWriter, _ *http.Request, who desk.Caller) error {
	o, err := s.Desk.Orders(string(who.Terminal), who)
	if err != nil {
		return err
	}
	s.offer(w, o, o.Body != nil)
	return nil
}

// tombstoneOf takes a preimage that was carried in; whose it is, only itself says.
func (s *Server) tombstoneOf(w http.ResponseWriter, r *http.Request, _ desk.Caller) error {
	return s.tombstone(w, r)
}

// ErrNothing says that the desk has nothing of the kind, or not yet.
var ErrNothing = errors.New("the desk has nothing of the kind")

// nothing is a refusal that says so, in its own words.
type nothing struct{ error }

func (n nothing) Is(target error) bool { return target == ErrNothing }
func (n nothing) Unwrap() error        { return n.error }

// Waiting is what waits for a terminal, or ErrNothing.
func (o *Operator) Waiting(ctx context.Context, terminal string) ([]byte, error) {
	return o.carry(ctx, http.MethodGet, terminal+"/command", nil, 0, "")
}

// Deliver hands in one object of a terminal, the way it would have come over the
// network. The reply is the desk's receipt, or ErrNothing where it keeps the object
// and signs nothing for it. digest is "sha256:<hex>" of a sealed file.
func (o *Operator) Deliver(ctx context.Context, terminal, caseID, kind string, n, size int64, digest string, body io.Reader) ([]byte, error) {
	at := fmt.Sprintf("%s/cases/%s/%s/%d", terminal, caseID, kind, n)
	if kind == "tombstone" {
		at = fmt.Sprintf("%s/cases/%s/tombstone", terminal, caseID)
	}
	return o.carry(ctx, http.MethodPut, at, body, size, digest)
}

// Fetch reads one object back as a terminal would, or ErrNothing.
func (o *Operator) Fetch(ctx context.Context, terminal, caseID, kind string, n int64) ([]byte, error) {
	return o.carry(ctx, http.MethodGet, fmt.Sprintf("%s/cases/%s/%s/%d", terminal, caseID, kind, n), nil, 0, "")
}

func (o *Operator) carry(ctx context.Context, method, at string, body io.Reader, size int64, digest string) (answer []byte, err error) {
	if body != nil {
		body = io.NopCloser(body) // whoever opened it closes it
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://desk/desk/courier/"+at, body)
	if err != nil {
		return nil, fmt.Errorf("cannot ask the desk: %w", err)
	}
	if body != nil {
		req.ContentLength = size
	}
	if digest != "" {
		raw, err := hex.DecodeString(strings.TrimPrefix(digest, "sha256:"))
		if err != nil {
			return nil, fmt.Errorf("cannot ask the desk: %w", err)
		}
		req.Header.Set("Content-Type", typeFile)
		req.Header.Set("Content-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(raw)+":")
		req.Header.Set("Expect", "100-continue") // what it has already, it need not be sent
	}
	resp, err := o.client.Do(req)
	var inner *url.Error
	if errors.As(err, &inner) {
		err = inner.Err
	}
	if err != nil {
		return nil, fmt.Errorf("cannot ask the desk: %w", err)
	}
	switch resp.StatusCode {
	case http.StatusNoContent:
		return nil, errors.Join(ErrNothing, resp.Body.Close())
	case http.StatusNotFound:
		return nil, nothing{refused(resp)}
	case http.StatusOK:
		text, err := io.ReadAll(resp.Body)
		if err := errors.Join(err, resp.Body.Close()); err != nil {
			return nil, fmt.Errorf("cannot read the desk's answer: %w", err)
		}
		return bytes.TrimSpace(text), nil
	}
	return nil, refused(resp)
}
