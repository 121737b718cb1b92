package serve

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/desk"
)

// Limits of a request; those of its time are the server's to say.
const (
	maxObject = 256 << 10        // bytes of a small body
	maxWave   = 32 << 20         // bytes of a campaign with its commands
	maxWait   = 55 * time.Second // of a long poll
	roomy     = 16 << 10         // bytes of a body that get their room by announcement alone
)

// plain lets pass only paths that mean what they say: nothing escaped, no empty
// part, no way up. A name that needs escaping is no name here.
func (s *Server) plain(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.EscapedPath()
		if !plainPath(path) {
			w.Header().Set("Connection", "close")
			s.tell(w, r, malformed("E28", "name", "cannot use the path: a part of it is no plain name"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func plainPath(path string) bool {
	if len(path) > 256 || strings.ContainsAny(path, "%\\") || !strings.HasPrefix(path, "/") {
		return false
	}
	for part := range strings.SplitSeq(path[1:], "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return true
}

// numberOf reads the number of an object: decimal, from 1, written one way only. How high it
// may be is for the desk to say of each kind: answers to what is no case go on from
// enrolment to enrolment by a million, and their bound is by the day.
func numberOf(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 || strconv.FormatInt(n, 10) != text {
		return 0, malformed("E28", "n", "cannot use the number: objects are counted from 1")
	}
	return n, nil
}

// seenVersion reads the version of a case that an operator saw: If-Match: "3".
func seenVersion(field string) (int64, error) {
	if field == "" {
		return desk.Unseen, nil
	}
	text, err := strconv.Unquote(field)
	n, err2 := strconv.ParseInt(text, 10, 64)
	if err != nil || err2 != nil || n < 0 {
		return 0, malformed("E31", "unseen", "cannot use If-Match: want the version of the case between quotes")
	}
	return n, nil
}

// preferWait reads how long a client would wait (RFC 7240), at most maxWait.
func preferWait(values []string) time.Duration {
	for _, value := range values {
		for part := range strings.SplitSeq(value, ",") {
			name, text, _ := strings.Cut(strings.TrimSpace(part), "=")
			if !strings.EqualFold(name, "wait") {
				continue
			}
			if n, err := strconv.ParseUint(strings.Trim(text, `" `), 10, 32); err == nil {
				return min(time.Duration(n)*time.Second, maxWait)
			}
		}
	}
	return 0
}

// contentDigest reads the SHA-256 of a Content-Digest field (RFC 9530).
func contentDigest(field string) (envelope.Digest, error) {
	for part := range strings.SplitSeq(field, ",") {
		name, text, _ := strings.Cut(strings.TrimSpace(part), "=")
		if name != "sha-256" || len(text) < 2 || text[0] != ':' || text[len(text)-1] != ':' {
			continue
		}
		raw, err := base64.StdEncoding.Strict().DecodeString(text[1 : len(text)-1])
		if err == nil && len(raw) == 32 {
			return envelope.Digest("sha256:" + hex.EncodeToString(raw)), nil
		}
	}
	return "", malformed("E24", "digest", "cannot take the file: there is no Content-Digest with a sha-256")
}

// small reads a small body whole, within its bounds of size. White
// space around it is no difference.
func small(w http.ResponseWriter, r *http.Request) ([]byte, error) { return sized(w, r, maxObject) }

// sized reads a body of at most so many bytes.
func sized(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(int(max(0, min(r.ContentLength, roomy))) + bytes.MinRead) // what is announced, and room for its end
	_, err := b.ReadFrom(http.MaxBytesReader(w, r.Body, most))
	body := b.Bytes()
	var large *http.MaxBytesError
	if err != nil && !errors.As(err, &large) {
		err = desk.Broken(err)
	}
	if told := r.Header.Get("Content-Digest"); err == nil && told != "" {
		err = arrived(told, body)
	}
	return bytes.TrimSpace(body), err
}

// arrived compares a body with what its sender says of it. What was damaged on
// the way is no refusal of what was sent: it may come again.
func arrived(told string, body []byte) error {
	digest, err := contentDigest(told)
	if err == nil && digest != envelope.DigestOf(body) {
		err = desk.Broken(errors.New("it is not what Content-Digest announces"))
	}
	return err
}

// decode reads one JSON value of a known shape. The error repeats nothing of
// it: an operator's request may hold a secret.
func decode(body []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	switch err := unambiguous(body); {
	case errors.Is(err, errDeep):
		return malformed("E02", "syntax", "cannot read the request: "+errDeep.Error())
	case errors.Is(err, errAmbiguous):
		return malformed("E02", "duplicate-member", "cannot read the request: a member stands in it twice, or is written otherwise than it is called")
	}
	if dec.Decode(v) != nil {
		return malformed("E02", "shape", "cannot read the request: it is not of the expected shape")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return malformed("E02", "trailing-bytes", "cannot read the request: there are bytes after it")
	}
	return nil
}

func malformed(code, detail, why string) error {
	return errors.Join(desk.ErrMalformed, envelope.Refuse(code, detail, "%s", why))
}
