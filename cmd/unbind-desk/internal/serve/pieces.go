package serve

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/desk"
)

const (
	tusVersion = "1.0.0"
	// maxPiece is the largest piece of a file taken at once: it is held in memory
	// until it is written.
	maxPiece = 4 << 20
	// statusChecksum is what tus answers to a piece, or a file, of another digest.
	statusChecksum = 460
)

// tus serves a route of files in pieces (tus 1.0: creation, checksum, expiration).
func (s *Server) tus(serve func(http.ResponseWriter, *http.Request, desk.Caller) error) http.HandlerFunc {
	return s.known(func(w http.ResponseWriter, r *http.Request, who desk.Caller) error {
		w.Header().Set("Tus-Resumable", tusVersion)
		w.Header().Set("Cache-Control", "no-store")
		if r.Header.Get("Tus-Resumable") != tusVersion {
			w.Header().Set("Tus-Version", tusVersion)
			return with(http.StatusPreconditionFailed, "E07", "tus", "cannot take the file: only tus %s is spoken here", tusVersion)
		}
		err := serve(w, r, who)
		if envelope.CodeOf(err) == "E24:digest" && r.Method == http.MethodPatch {
			err = &answered{statusChecksum, err}
		}
		return err
	})
}

// open opens an upload, or finds it.
func (s *Server) open(w http.ResponseWriter, r *http.Request, who desk.Caller) error {
	told, err := metadata(r.Header.Get("Upload-Metadata"))
	if err != nil {
		return err
	}
	id, err := desk.Name("case", told["case"])
	if err != nil {
		return err
	}
	n, err := numberOf(told["n"])
	if err != nil {
		return err
	}
	size, err := strconv.ParseInt(r.Header.Get("Upload-Length"), 10, 64)
	if err != nil || size < 0 {
		return malformed("E24", "size", "cannot take the file: its length is not announced")
	}
	if size > s.MaxBackup {
		return &http.MaxBytesError{Limit: s.MaxBackup}
	}
	digest := envelope.Digest(told["digest"])
	if told["kind"] != "backup" || !digest.Valid() {
		return malformed("E24", "digest", "cannot take the file: want kind backup and a digest in Upload-Metadata")
	}
	p, err := s.Desk.BeginPieces(who, id, n, digest, size)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/v1/uploads/"+string(id)+"/"+strconv.FormatInt(n, 10))
	progress(w, p)
	w.WriteHeader(http.StatusCreated)
	return nil
}

// where tells how much of a file is here.
func (s *Server) where(w http.ResponseWriter, r *http.Request, who desk.Caller) error {
	id, n, err := named(r)
	if err != nil {
		return err
	}
	p, err := s.Desk.Progress(who, id, n)
	if err != nil {
		return err
	}
	progress(w, p)
	w.Header().Set("Upload-Length", strconv.FormatInt(p.Size, 10))
	w.WriteHeader(http.StatusOK)
	return nil
}

// piece takes the next bytes. They are read whole before anything is done with
// them, so a connection that breaks off holds nothing up. It leaves what had come,
// and so does what gives its place to another terminal: a bad line would otherwise
// begin the same piece anew again and again, a slow one for as long as the desk is
// full.
func (s *Server) piece(w http.ResponseWriter, r *http.Request, who desk.Caller) error {
	return s.pieceTo(s.Desk, w, r, who)
}

// extending is what of the desk a piece goes to.
type extending interface {
	Piece(who desk.Caller, id envelope.ID, n, offset int64, chunk []byte) (desk.Progress, error)
	SomeOf(who desk.Caller, id envelope.ID, n, offset, long int64, chunk []byte) (desk.Progress, error)
}

func (s *Server) pieceTo(to extending, w http.ResponseWriter, r *http.Request, who desk.Caller) error {
	id, n, err := named(r)
	if err != nil {
		return err
	}
	offset, err := strconv.ParseInt(r.Header.Get("Upload-Offset"), 10, 64)
	if err != nil || offset < 0 || r.Header.Get("Content-Type") != "application/offset+octet-stream" {
		return malformed("E24", "offset", "cannot take the piece: want an Upload-Offset and application/offset+octet-stream")
	}
	control := http.NewResponseController(w)
	in, ok := s.seat(r, control, who)
	if !ok {
		return crowded(w)
	}
	defer in.place.release()
	chunk, err := io.ReadAll(http.MaxBytesReader(w, io.NopCloser(in), maxPiece))
	var large *http.MaxBytesError
	ended := err // before the piece did
	switch {
	case errors.As(err, &large):
		return err
	case errors.Is(err, errReplaced):
		return s.gaveWay(w, control, err)
	case err != nil && !errors.Is(err, errGaveWay) && in.place.accompanied():
		return desk.Broken(err) // the other one goes on from where this one began
	}
	var p desk.Progress
	if ended != nil { // its checksum was of all of it; these bytes are held to the digest of the file
		p, err = to.SomeOf(who, id, n, offset, r.ContentLength, chunk)
	} else if err = checksum(r.Header.Get("Upload-Checksum"), chunk); err == nil {
		p, err = to.Piece(who, id, n, offset, chunk)
	}
	if err := control.SetWriteDeadline(time.Now().Add(s.Limits.Answer)); err != nil {
		return err
	}
	if p.Size > 0 {
		progress(w, p)
	}
	switch {
	case err != nil:
		return err
	case errors.Is(ended, errGaveWay):
		return crowded(w)
	case ended != nil:
		return desk.Broken(ended)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func progress(w http.ResponseWriter, p desk.Progress) {
	w.Header().Set("Upload-Offset", strconv.FormatInt(p.Offset, 10))
	if !p.Expires.IsZero() {
		w.Header().Set("Upload-Expires", p.Expires.UTC().Format(http.TimeFormat))
	}
}

// metadata reads Upload-Metadata: name, space, base64, separated by commas.
func metadata(field string) (map[string]string, error) {
	told := map[string]string{}
	for pair := range strings.SplitSeq(field, ",") {
		name, word, _ := strings.Cut(strings.TrimSpace(pair), " ")
		raw, err := base64.StdEncoding.Strict().DecodeString(word)
		if _, twice := told[name]; err != nil || twice || len(raw) > 256 {
			return nil, malformed("E02", "metadata", "cannot read Upload-Metadata: want names with base64, each once")
		}
		told[name] = string(raw)
	}
	return told, nil
}

// checksum compares a piece with what was announced of it, if anything was.
func checksum(field string, chunk []byte) error {
	if field == "" {
		return nil
	}
	name, word, _ := strings.Cut(field, " ")
	raw, err := base64.StdEncoding.Strict().DecodeString(word)
	if name != "sha256" || err != nil {
		return malformed("E24", "checksum", "cannot take the piece: want sha256 and base64 in Upload-Checksum")
	}
	if sum := sha256.Sum256(chunk); !bytes.Equal(sum[:], raw) {
		return errors.Join(desk.ErrUnfit, envelope.Refuse("E24", "digest", "cannot take the piece: it is not what was announced"))
	}
	return nil
}
