package serve

import (
	"errors"
	"net/http"
	"strconv"
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
	control := http.NewResponseController(w)
	in, ok := s.seat(r, control, who)
	if !ok {
		return crowded(w)
	}
	defer in.place.release()
	receipt, err := s.Desk.Backup(who, id, n, desk.Arriving{Digest: digest, Size: r.ContentLength, Body: in})
	if err != nil {
		return s.gaveWay(w, control, err)
	}
	if err := control.SetWriteDeadline(time.Now().Add(s.Limits.Answer)); err != nil {
		return err
	}
	w.Header().Set(keptHeader, string(digest))
	return s.sendReceipt(w, r, who, id, "backup", n, receipt)
}

// seat gives an upload its place when it is its turn, and its body the time that it has
// there.
func (s *Server) seat(r *http.Request, control *http.ResponseController, who desk.Caller) (*moving, bool) {
	cut := func() { _ = control.SetReadDeadline(time.Unix(1, 0)) }      // where that cannot be done, the next read finds its place gone
	_, comes := r.Context().Value(http.ServerContextKey).(*http.Server) // over a line of its own
	w := wish{terminal: who.Terminal, long: r.Method == http.MethodPut && r.ContentLength > maxPiece, here: !comes}
	p, ok := s.uploading.turn(r.Context(), w, s.Limits, cut, s.stopping)
	if !ok {
		return nil, false
	}
	return &moving{from: r.Body, extend: control.SetReadDeadline, limits: s.Limits, place: p}, true
}

// gaveWay turns the end of an upload that lost its place into a word to come again.
func (s *Server) gaveWay(w http.ResponseWriter, control *http.ResponseController, err error) error {
	if !errors.Is(err, errGaveWay) && !errors.Is(err, errReplaced) {
		return err
	}
	if err := control.SetWriteDeadline(time.Now().Add(s.Limits.Answer)); err != nil {
		return err
	}
	return crowded(w)
}

// errCrowded says that there is no place for another upload now.
var errCrowded = errors.New("too many files are being received")

func crowded(w http.ResponseWriter) error {
	w.Header().Set("Retry-After", strconv.Itoa(int(comeAgain/time.Second)))
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
