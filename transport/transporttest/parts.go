package transporttest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// part is a file that comes in pieces.
type part struct {
	size   int
	digest string
	body   []byte
}

// Expire forgets every file that came in pieces and is not whole.
func (d *Desk) Expire() {
	d.store.mu.Lock()
	defer d.store.mu.Unlock()
	clear(d.store.parts)
}

// uploads are the routes of files in pieces (tus 1.0).
func (s *store) uploads() {
	s.mux.HandleFunc("POST /v1/uploads", known(s.open))
	s.mux.HandleFunc("HEAD /v1/uploads/{id}", known(s.where))
	s.mux.HandleFunc("PATCH /v1/uploads/{id}", known(s.extend))
}

// open answers with the same place for the same object.
func (s *store) open(w http.ResponseWriter, r *http.Request) {
	told := map[string]string{}
	for _, pair := range strings.Split(r.Header.Get("Upload-Metadata"), ",") {
		name, word, _ := strings.Cut(pair, " ")
		raw, err := base64.StdEncoding.DecodeString(word)
		if err != nil {
			refuse(w, http.StatusBadRequest, "E02", "metadata")
			return
		}
		told[name] = string(raw)
	}
	size, err := strconv.Atoi(r.Header.Get("Upload-Length"))
	if err != nil {
		refuse(w, http.StatusBadRequest, "E02", "length")
		return
	}
	id := hex.EncodeToString([]byte(told["case"] + " " + told["kind"] + " " + told["n"]))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.parts[id] == nil {
		s.parts[id] = &part{size: size, digest: told["digest"]}
	}
	w.Header().Set("Location", "/v1/uploads/"+id)
	w.Header().Set("Upload-Offset", strconv.Itoa(len(s.parts[id].body)))
	w.WriteHeader(http.StatusCreated)
}

func (s *store) where(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.parts[r.PathValue("id")]
	if p == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Upload-Offset", strconv.Itoa(len(p.body)))
}

func (s *store) extend(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sender broke off: nothing is kept
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.parts[r.PathValue("id")]
	if p == nil || r.Header.Get("Upload-Offset") != strconv.Itoa(len(p.body)) {
		refuse(w, http.StatusConflict, "E28:offset", "another offset")
		return
	}
	p.body = append(p.body, body...)
	if len(p.body) == p.size {
		if sum := fmt.Sprintf("sha256:%x", sha256.Sum256(p.body)); sum != p.digest {
			delete(s.parts, r.PathValue("id"))
			refuse(w, 460, "E24:digest", "the file is not what was announced")
			return
		}
		s.finish(r.PathValue("id"), p.body)
	}
	w.Header().Set("Upload-Offset", strconv.Itoa(len(p.body)))
	w.WriteHeader(http.StatusNoContent)
}

// finish makes the file the object it was announced as, with its receipt.
func (s *store) finish(id string, body []byte) {
	key, err := hex.DecodeString(id)
	if err != nil {
		panic(err) // it was made by open
	}
	name := strings.Fields(string(key))
	s.objects[string(key)] = body
	s.objects[name[0]+" receipt "+name[2]] = fmt.Appendf(nil, `{"receipt":"%x"}`, sha256.Sum256(body))
}
