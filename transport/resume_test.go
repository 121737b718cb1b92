package transport_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"unbindd/transport"
	"unbindd/transport/transporttest"
)

// Whatever happens to one request, the file arrives whole and nothing but what
// was lost is sent again: the k-th request is lost on its way there, its answer is
// lost, or something on the way says yes to it and hands nothing on.
func TestAnUploadInPiecesSurvivesEveryBreak(t *testing.T) {
	const chunk, size = 1000, 5500
	file := bytes.Repeat([]byte("0123456789 "), size/11)
	path := filepath.Join(t.TempDir(), "sealed")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	digest := fmt.Sprintf("sha256:%x", sha256.Sum256(file))
	for _, fault := range []string{"request lost", "answer lost", "lie"} {
		for k := range 9 { // POST, six PATCH, GET, and one more than there is
			t.Run(fmt.Sprintf("%s %d", fault, k), func(t *testing.T) {
				desk := transporttest.NewDesk(t, transporttest.Now())
				asked, sent := 0, 0
				desk.Before = func(w http.ResponseWriter, r *http.Request) bool {
					if r.Method == http.MethodPatch {
						sent += int(r.ContentLength)
					}
					if asked++; asked-1 != k {
						return false
					}
					return spoil(fault, desk, w, r)
				}
				link := newLink(t, desk, func(c *transport.Config, _ *transport.Identity) { c.Single, c.Chunk = 0, chunk })
				object := transport.Object{Case: "case-1", Kind: "backup", N: 1}
				var err error
				for range 3 { // as the caller does, who never gives up
					_, err = link.Upload(t.Context(), object, size, digest, func() (io.ReadCloser, error) { return os.Open(path) })
					if err == nil {
						break
					}
					if transport.Permanent(err) && fault != "lie" {
						t.Fatal(err)
					}
				}
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(desk.Held(t, object), file) {
					t.Fatal("the desk holds other bytes")
				}
				if sent > size+2*chunk {
					t.Errorf("%d bytes went out for a file of %d in pieces of %d", sent, size, chunk)
				}
			})
		}
	}
}

// spoil does to one request what the fault says; true when it is answered.
func spoil(fault string, desk *transporttest.Desk, w http.ResponseWriter, r *http.Request) bool {
	switch fault {
	case "answer lost":
		desk.Serve(httptest.NewRecorder(), r)
	case "lie":
		n, err := strconv.Atoi(r.Header.Get("Upload-Offset"))
		if err != nil {
			n = 0
		}
		w.Header().Set("Upload-Offset", strconv.Itoa(n+int(r.ContentLength)))
		w.Header().Set("Location", "/v1/uploads/anywhere")
		w.WriteHeader(http.StatusNoContent)
		return true
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		err = conn.Close()
	}
	if err != nil {
		panic(err)
	}
	return true
}

func TestADeskWithoutPiecesGetsTheFileAtOnce(t *testing.T) {
	desk := transporttest.NewDesk(t, transporttest.Now())
	desk.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost {
			return false
		}
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"code":"E28:route","message":"no such route","next":"-"}`)
		return true
	}
	link := newLink(t, desk, func(c *transport.Config, _ *transport.Identity) { c.Single = 0 })
	file := []byte("sealed")
	object := transport.Object{Case: "case-1", Kind: "backup", N: 1}
	_, err := link.Upload(t.Context(), object, int64(len(file)), fmt.Sprintf("sha256:%x", sha256.Sum256(file)),
		func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(file)), nil })
	if err != nil || !bytes.Equal(desk.Held(t, object), file) {
		t.Fatalf("%v, the desk holds %q", err, desk.Held(t, object))
	}
}

// A desk that has forgotten a file which stood still says so (410); that is no
// refusal of the file, and the next try begins it again.
func TestAnUploadThatExpiredBeginsAgain(t *testing.T) {
	desk := transporttest.NewDesk(t, transporttest.Now())
	pieces, opened := 0, 0
	desk.Before = func(w http.ResponseWriter, r *http.Request) bool {
		switch r.Method {
		case http.MethodPost:
			opened++
		case http.MethodPatch:
			pieces++
		}
		if pieces < 2 || opened > 1 {
			return false
		}
		desk.Expire()
		w.WriteHeader(http.StatusGone)
		_, _ = io.WriteString(w, `{"code":"E28:expired","message":"it stood still for too long","next":"-"}`)
		return true
	}
	link := newLink(t, desk, func(c *transport.Config, _ *transport.Identity) { c.Single, c.Chunk = 0, 1000 })
	file := bytes.Repeat([]byte("0123456789 "), 300)
	digest := fmt.Sprintf("sha256:%x", sha256.Sum256(file))
	opens := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(file)), nil }
	object := transport.Object{Case: "case-1", Kind: "backup", N: 1}
	if _, err := link.Upload(t.Context(), object, int64(len(file)), digest, opens); err == nil || transport.Permanent(err) {
		t.Fatalf("while the desk forgets it: %v, want a try that may be made again", err)
	}
	if _, err := link.Upload(t.Context(), object, int64(len(file)), digest, opens); err != nil {
		t.Fatal(err)
	}
	if opened != 2 || !bytes.Equal(desk.Held(t, object), file) {
		t.Errorf("the file was begun %d times, %d bytes are there", opened, len(desk.Held(t, object)))
	}
}

// A file in one request of which the desk took a part and not the rest (it gave its place to
// another, the line broke) goes in pieces from then on; one that was turned away at the door
// does not.
func TestAFileThatBrokeOffGoesOnInPieces(t *testing.T) {
	desk := transporttest.NewDesk(t, transporttest.Now())
	puts, pieces := 0, 0
	desk.Before = func(w http.ResponseWriter, r *http.Request) bool {
		switch r.Method {
		case http.MethodPatch:
			pieces++
		case http.MethodPut:
			if puts++; puts == 2 {
				_, _ = io.ReadFull(r.Body, make([]byte, 10))
			}
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		return false
	}
	link := newLink(t, desk, func(c *transport.Config, _ *transport.Identity) { c.Single, c.Chunk = 1<<20, 1000 })
	file := bytes.Repeat([]byte("0123456789 "), 300)
	digest := fmt.Sprintf("sha256:%x", sha256.Sum256(file))
	opens := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(file)), nil }
	object := transport.Object{Case: "case-1", Kind: "backup", N: 1}
	for range 2 {
		if _, err := link.Upload(t.Context(), object, int64(len(file)), digest, opens); err == nil || transport.Permanent(err) {
			t.Fatalf("while the desk is full: %v, want a try that may be made again", err)
		}
	}
	if _, err := link.Upload(t.Context(), object, int64(len(file)), digest, opens); err != nil {
		t.Fatal(err)
	}
	if puts != 2 || pieces != 4 || !bytes.Equal(desk.Held(t, object), file) {
		t.Errorf("%d requests with all of it, %d with a piece; %d bytes are there", puts, pieces, len(desk.Held(t, object)))
	}
}
