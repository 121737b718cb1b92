package serve

import (
	"io"
	"net/http"
	"time"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/desk"
)

// backup receives a sealed file as one streamed body. There is no bound on the
// whole time, only on standing still.
func (s *Server) backup(w http.ResponseWriter, r *http.Request, who desk.Caller) error {
	id, n, err := object(r)
	if err != nil {
		return err
	}
	digest, err := contentDigest(r.Header.Get("Content-Digest"))
	if err != nil {
		return err
	}
	if r.ContentLength < 0 {
		return malformed("E24", "size", "cannot take the file: its length is not announced")
	}
	if r.ContentLength > s.MaxBackup {
		return &http.MaxBytesError{Limit: s.MaxBackup}
	}
	release, ok := s.uploading.take(who.Terminal)
	if !ok {
		crowded(w)
		return nil
	}
	defer release()
	control := http.NewResponseController(w)
	receipt, err := s.Desk.Backup(who, id, n, desk.Arriving{
		Digest: digest, Size: r.ContentLength, Body: &moving{Reader: r.Body, control: control},
	})
	if err != nil {
		return err
	}
	if err := control.SetWriteDeadline(time.Now().Add(answerTime)); err != nil {
		return err
	}
	w.Header().Set(keptHeader, string(digest))
	return s.sendReceipt(w, who, id, "backup", n, receipt)
}

func crowded(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "10")
	reply(w, http.StatusServiceUnavailable, Refusal{Code: internalCode, Message: "too many files are being received", Next: "Try again in a moment."})
}

// object reads case and number from a path.
func object(r *http.Request) (envelope.ID, int64, error) {
	id, err := desk.Name("case", r.PathValue("case"))
	if err != nil {
		return "", 0, err
	}
	n, err := numberOf(r.PathValue("n"))
	return id, n, err
}

// moving gives every read its own deadline.
type moving struct {
	io.Reader
	control *http.ResponseController
}

func (m *moving) Read(p []byte) (int, error) {
	if err := m.control.SetReadDeadline(time.Now().Add(stallTime)); err != nil {
		return 0, err
	}
	return m.Reader.Read(p)
}
