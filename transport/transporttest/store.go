package transporttest

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"unbindd/transport"
)

// store answers as the desk's documented routes do, from memory.
type store struct {
	mux *http.ServeMux

	mu      sync.Mutex
	offered []byte
	changed chan struct{} // closed and replaced whenever offered changes
	objects map[string][]byte
	parts   map[string]*part
	forged  func(http.ResponseWriter) // instead of every answer, where it is set
}

func newStore() *store {
	s := &store{mux: http.NewServeMux(), changed: make(chan struct{}), objects: map[string][]byte{}, parts: map[string]*part{}}
	s.uploads()
	s.mux.HandleFunc("GET /v1/terminals/{t}/command", known(s.command))
	s.mux.HandleFunc("PUT /v1/cases/{case}/{kind}/{n}", known(s.put))
	s.mux.HandleFunc("GET /v1/cases/{case}/{kind}/{n}", known(s.fetch))
	s.mux.HandleFunc("PUT /v1/cases/{case}/tombstone", s.tombstone)
	s.mux.HandleFunc("GET /v1/log/consistency/{m}/{n}", grew)
	s.mux.HandleFunc("POST /v1/time", echo)
	s.mux.HandleFunc("POST /v1/enrol", echo)
	return s
}

// ServeHTTP answers one request.
func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	forged := s.forged
	s.mu.Unlock()
	if forged != nil {
		forged(w)
		return
	}
	besideObjects(w, r)
	s.mux.ServeHTTP(w, r)
}

func (s *store) forge(answer func(http.ResponseWriter)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forged = answer
}

// known lets pass who shows a client certificate.
func known(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) == 0 {
			refuse(w, http.StatusForbidden, "E02", "no client certificate")
			return
		}
		next(w, r)
	}
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"code":%q,"message":%q,"next":"ask the desk"}`, code, message)
}

// echo answers with the body; only who shows no certificate is served, so that
// a link that shows one where it need not is found out.
func echo(w http.ResponseWriter, r *http.Request) {
	if len(r.TLS.PeerCertificates) > 0 {
		refuse(w, http.StatusBadRequest, "E02", "a client certificate was shown for nothing")
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	fmt.Fprintf(w, `{"to":%s}`, body)
}

func (s *store) command(w http.ResponseWriter, r *http.Request) {
	wait, _ := strconv.Atoi(strings.TrimPrefix(r.Header.Get("Prefer"), "wait="))
	over := time.After(time.Duration(wait) * time.Second)
	for {
		s.mu.Lock()
		body, changed := s.offered, s.changed
		s.mu.Unlock()
		etag := fmt.Sprintf(`"%x"`, sha256.Sum256(body))
		if body != nil && etag != r.Header.Get("If-None-Match") {
			w.Header().Set("ETag", etag)
			_, _ = w.Write(body)
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		case <-over:
			w.WriteHeader(map[bool]int{true: http.StatusNotModified, false: http.StatusNoContent}[body != nil])
			return
		}
	}
}

func (s *store) put(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sender broke off: nothing is kept
	}
	sum := sha256.Sum256(body)
	if want := r.Header.Get("Content-Digest"); want != "" && want != "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":" {
		if r.PathValue("kind") == "backup" { // which the manifest has announced besides
			refuse(w, http.StatusUnprocessableEntity, "E24:digest", "the file is not what was announced")
			return
		}
		refuse(w, http.StatusRequestTimeout, "E02:broken-off", "it is not what Content-Digest announces")
		return
	}
	if !s.keep(r.PathValue("case")+" "+r.PathValue("kind")+" "+r.PathValue("n"), body) {
		refuse(w, http.StatusConflict, "E11", "other bytes are stored")
		return
	}
	kept(w, body)
	fmt.Fprintf(w, `{"receipt":"%x"}`, sum)
}

// kept says of which bytes the answer is.
func kept(w http.ResponseWriter, body []byte) {
	w.Header().Set("Unbindd-Kept", fmt.Sprintf("sha256:%x", sha256.Sum256(body)))
}

func (s *store) fetch(w http.ResponseWriter, r *http.Request) {
	body := s.get(r.PathValue("case") + " " + r.PathValue("kind") + " " + r.PathValue("n"))
	if body == nil {
		refuse(w, http.StatusNotFound, "E02", "not there")
		return
	}
	_, _ = w.Write(body)
}

func (s *store) tombstone(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if len(r.TLS.PeerCertificates) > 0 || !s.keep(r.PathValue("case")+" tombstone", body) {
		refuse(w, http.StatusForbidden, "E02", "wrong preimage")
		return
	}
	kept(w, body)
	w.WriteHeader(http.StatusNoContent)
}

// pathOf is the key of an object, as the routes spell it.
func pathOf(o transport.Object) string {
	kind := o.Kind
	if kind == "ticket" {
		kind = "tickets"
	}
	return o.Case + " " + kind + " " + strconv.FormatInt(o.N, 10)
}

func (s *store) offer(body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offered = body
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *store) set(key string, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[key] = body
}

func (s *store) get(key string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.objects[key]
}

// keep stores body, or tells false when other bytes are there.
func (s *store) keep(key string, body []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.objects[key]; ok {
		return bytes.Equal(old, body)
	}
	s.objects[key] = body
	return true
}
