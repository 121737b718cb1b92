package transport

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// answerTimeout is how long the desk may think about a small object.
const answerTimeout = time.Minute

// errNoCertificate refuses what only a bound terminal may ask.
var errNoCertificate = errors.New("this terminal has no client certificate")

// question is one request with a small body; path begins with a slash.
type question struct {
	method string
	path   string
	header http.Header
	body   []byte
	limit  time.Duration // answerTimeout if zero
}

// answer is what came back, whole; the body is nil when there was none.
type answer struct {
	code   int
	header http.Header
	body   []byte
}

// reply tells "kept, and nothing to say" (204: nil) from "kept, the reply
// follows" (202: ErrNotYet).
func (a answer) reply() ([]byte, error) {
	if a.code == http.StatusAccepted {
		return nil, ErrNotYet
	}
	return a.body, nil
}

// asks is the asker of the link over HTTPS.
func (h *HTTPS) asks(ctx context.Context, known bool, q question) (answer, error) {
	if known {
		return h.by(ctx, h.known, q)
	}
	return h.by(ctx, h.unknown, q)
}

// by sends q and reads the whole answer. Anything but 2xx and 304 is a *Status.
func (h *HTTPS) by(ctx context.Context, client *http.Client, q question) (answer, error) {
	limit := q.limit
	if limit == 0 {
		limit = answerTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, q.method, h.base+q.path, bytes.NewReader(q.body))
	if err != nil {
		return answer{}, err
	}
	if len(q.body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, values := range q.header {
		req.Header[name] = values
	}
	return send(client, req)
}

func send(client *http.Client, req *http.Request) (answer, error) {
	if client == nil {
		return answer{}, errNoCertificate
	}
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := readAll(resp.Body)
	if err != nil {
		return answer{}, fmt.Errorf("cannot read the desk's answer %d: %w", resp.StatusCode, err)
	}
	if err := isWhole(resp.StatusCode, resp.Header, body); err != nil {
		return answer{}, err
	}
	if resp.StatusCode/100 != 2 && resp.StatusCode != http.StatusNotModified {
		return answer{}, newStatus(resp.StatusCode, resp.Header, body)
	}
	return answer{code: resp.StatusCode, header: resp.Header, body: body}, nil
}

// isWhole compares an answer with the digest it came with. Something on the way may
// cut an answer and mend its length; a bundle that was cut so must not be taken for
// what its tag stands for.
func isWhole(code int, header http.Header, body []byte) error {
	told := header.Get("Content-Digest")
	if sum := sha256.Sum256(body); told != "" && told != digestField(sum[:]) {
		return fmt.Errorf("cannot read the desk's answer %d: it is not what it says it is", code)
	}
	return nil
}

// readAll refuses what is longer than MaxBody instead of cutting it.
func readAll(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, MaxBody+1))
	switch {
	case err != nil:
		return nil, err
	case len(body) > MaxBody:
		return nil, fmt.Errorf("it is longer than %d bytes", MaxBody)
	case len(body) == 0:
		return nil, nil
	}
	return body, nil
}

// wrongDates tells whether a connection failed for the desk's dates. Before its
// first moment or after its last, the library's word for it is Expired.
func wrongDates(err error) bool {
	var invalid x509.CertificateInvalidError
	return errors.As(err, &invalid) && invalid.Reason == x509.Expired
}
