package transport

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestAStandingUploadEnds has a desk that takes the first bytes and no more, as
// a radio that went dead does, until the link itself has given up.
func TestAStandingUploadEnds(t *testing.T) {
	release := make(chan struct{})
	desk := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = r.Body.Read(make([]byte, 1))
		<-release
	}))
	defer desk.Close()
	defer close(release)
	link := &HTTPS{base: desk.URL, known: desk.Client(), stall: 100 * time.Millisecond, single: 1 << 30}
	const size = 256 << 20 // more than all the buffers between here and there
	_, err := link.Upload(t.Context(), Object{Case: "c", Kind: "backup", N: 1}, size, "sha256:"+strings.Repeat("0", 64),
		func() (io.ReadCloser, error) { return io.NopCloser(io.LimitReader(zeros{}, size)), nil })
	if !errors.Is(err, errStalled) {
		t.Fatalf("got %v, want %v", err, errStalled)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestContentDigest(t *testing.T) {
	got, err := contentDigest("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
	if want := "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"; got != want || err != nil {
		t.Fatalf("got %q, %v; want %q", got, err, want)
	}
	for _, bad := range []string{"", "sha256:", "sha512:" + strings.Repeat("0", 64), "sha256:" + strings.Repeat("G", 64)} {
		if _, err := contentDigest(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
