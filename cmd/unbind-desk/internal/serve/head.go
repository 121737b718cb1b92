package serve

import (
	"mime"
	"net/http"

	"unbindd/agent/envelope"
)

// deciding are the headers by which something is decided. One that comes twice
// may mean one thing here and another to something on the way.
var deciding = []string{
	"Authorization", "Content-Digest", "Content-Encoding", "Content-Type", "If-Match", "If-None-Match",
	"Tus-Resumable", "Upload-Checksum", "Upload-Length", "Upload-Metadata", "Upload-Offset",
}

// fits looks at the head of a request: one length, announced and within bounds,
// and nothing packed into something else.
func fits(want Body, r *http.Request) error {
	for _, name := range deciding {
		if len(r.Header[name]) > 1 {
			return malformed("E02", "header", "cannot read the request: a header that decides something comes twice")
		}
	}
	switch {
	case len(r.TransferEncoding) > 0 || r.ContentLength < 0:
		return with(http.StatusLengthRequired, "E02", "length", "cannot read the request: the length of its body is not announced")
	case r.ContentLength > want.Most:
		return &http.MaxBytesError{Limit: want.Most}
	case r.Header.Get("Content-Encoding") != "":
		return with(http.StatusUnsupportedMediaType, "E02", "encoding", "cannot read the request: nothing is unpacked here")
	}
	if told := r.Header.Get("Content-Type"); told != "" && want.Most > 0 {
		if kind, _, err := mime.ParseMediaType(told); err != nil || kind != want.Type {
			return with(http.StatusUnsupportedMediaType, "E02", "type", "cannot read the request: this route takes another Content-Type")
		}
	}
	return nil
}

// answered is a refusal with a status of its own.
type answered struct {
	status int
	why    error
}

func (a *answered) Error() string { return a.why.Error() }
func (a *answered) Unwrap() error { return a.why }

func with(status int, code, detail, format string, args ...any) error {
	return &answered{status, envelope.Refuse(code, detail, format, args...)}
}
