package serve

import (
	"errors"
	"net/http"
	"time"

	"unbindd/cmd/unbind-desk/internal/desk"
)

// orders answers with what waits for the terminal, at once or as soon as there
// is something: 200 with a tag, 304 when the client has it, 204 for nothing.
func (s *Server) orders(w http.ResponseWriter, r *http.Request, who desk.Caller) error {
	wait := preferWait(r.Header.Values("Prefer"))
	control, until := http.NewResponseController(w), time.Now().Add(wait+s.Limits.Answer)
	if err := errors.Join(control.SetReadDeadline(until), control.SetWriteDeadline(until)); err != nil {
		return err
	}
	over, again := time.NewTimer(wait), time.NewTicker(s.Again)
	defer over.Stop()
	defer again.Stop()
	if wait > 0 {
		s.waiting.Add(1)
		defer s.waiting.Add(-1)
	}
	for patient := wait > 0; ; {
		o, err := s.Desk.Orders(r.PathValue("terminal"), who)
		if err != nil {
			return err
		}
		if fresh := o.Body != nil && o.Tag != r.Header.Get("If-None-Match"); fresh || !patient {
			s.offer(w, o, fresh)
			return nil
		}
		select {
		case <-o.Changed:
		case <-again.C: // another desk on the same store rings no bell here
		case <-over.C:
			patient = false
		case <-s.stopping:
			patient = false
		case <-r.Context().Done():
			return nil // the terminal is gone and will ask again
		}
		// Who was welcome when he began to wait may have been enrolled anew since.
		if who, err = s.Desk.Caller(r.TLS.PeerCertificates[0]); err != nil {
			return err
		}
	}
}

func (s *Server) offer(w http.ResponseWriter, o desk.Offer, fresh bool) {
	switch {
	case fresh:
		w.Header().Set("ETag", o.Tag)
		send(w, http.StatusOK, o.Body)
	case o.Body != nil:
		w.Header().Set("ETag", o.Tag)
		w.WriteHeader(http.StatusNotModified)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}
