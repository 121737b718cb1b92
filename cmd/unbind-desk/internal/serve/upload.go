package serve

import (
	"errors"
	"io"
	"net/http"
	"time"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/desk"
)

// backup receives a sealed file as one streamed body. There is no bound on the
// whole time, only on standing still.
func (s *Server) backup(w http.ResponseWriter, r *http.Request, who desk.Caller) error {
	id, n, err := named(r)
	if err != nil {
		return err
	}
	digest, err := contentDigest(r.Header.Get("Content-Digest"))
	if err != nil {
		return err
	}
	release, ok := s.uploading.take(who.Terminal)
	if !ok {
		return crowded(w)
	}
	defer release()
	control := http.NewResponseController(w)
	receipt, err := s.Desk.Backup(who, id, n, desk.Arriving{
		Digest: digest, Size: r.ContentLength, Body: s.moving(r, control),
	})
	if err != nil {
		return err
	}
	if err := control.SetWriteDeadline(time.Now().Add(s.Limits.Answer)); err != nil {
		return err
	}
	w.Header().Set(keptHeader, string(digest))
	return s.sendReceipt(w, who, id, "backup", n, receipt)
}

func (s *Server) moving(r *http.Request, control *http.ResponseController) io.Reader {
	return &moving{from: r.Body, extend: control.SetReadDeadline, limits: s.Limits}
}

// errCrowded says that there is no place for another upload now.
var errCrowded = errors.New("too many files are being received")

func crowded(w http.ResponseWriter) error {
	w.Header().Set("Retry-After", "10")
	return &answered{http.StatusServiceUnavailable, errCrowded}
}

// named reads case and number from a path.
func named(r *http.Request) (envelope.ID, int64, error) {
	id, err := desk.Name("case", r.PathValue("case"))
	if err != nil {
		return "", 0, err
	}
	n, err := numberOf(r.PathValue("n"))
	return id, n, err
}
