package local

import (
	"bytes"
	"io"
	"net/http"
	"testing"
)

// said is a daemon that answers everything with the same bytes.
type said struct {
	status int
	body   []byte
}

func (s said) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: s.status, Body: io.NopCloser(bytes.NewReader(s.body)), Request: r}, nil
}

// FuzzClient: whatever the daemon says, there is an answer or an error in
// words, and no more events than lines.
func FuzzClient(f *testing.F) {
	f.Fuzz(func(t *testing.T, ok bool, body []byte) {
		status := http.StatusOK
		if !ok {
			status = http.StatusConflict
		}
		c := &Client{http: http.Client{Transport: said{status, body}}}
		if _, err := c.Status(t.Context()); !ok && (err == nil || err.Error() == "") {
			t.Fatalf("a refusal is told as %v", err)
		}
		_, _ = c.Reader(t.Context())
		events := 0
		_ = c.Events(t.Context(), 0, func(Event) bool { events++; return true })
		if events > bytes.Count(body, []byte("\n"))+1 {
			t.Fatalf("%d events", events)
		}
	})
}
