package serve

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/desk"
)

// anyone serves a client without a certificate.
func (s *Server) anyone(serve func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := serve(w, r); err != nil {
			s.tell(w, r, err)
			s.GiveUp(err)
		}
	}
}

// deep has a route served by the crew: signatures are checked on it.
func (s *Server) deep(serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.crew.Do(func() { serve(w, r) })
	}
}

// known serves a client whose certificate is on record, and tells the route who
// it is.
func (s *Server) known(serve func(http.ResponseWriter, *http.Request, desk.Caller) error) http.HandlerFunc {
	return s.anyone(func(w http.ResponseWriter, r *http.Request) error {
		if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
			return refuseClient()
		}
		who, err := s.Desk.Caller(r.TLS.PeerCertificates[0])
		if err != nil {
			return err
		}
		return serve(w, r, who)
	})
}

func (s *Server) keep(keep func(desk.Caller, envelope.ID, int64, []byte) error) func(http.ResponseWriter, *http.Request, desk.Caller) error {
	return func(w http.ResponseWriter, r *http.Request, who desk.Caller) error {
		id, n, body, err := sent(w, r)
		if err != nil {
			return err
		}
		if err := keep(who, id, n, body); err != nil {
			return err
		}
		kept(w, body)
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
}

// sent reads an object that is put under its name.
func sent(w http.ResponseWriter, r *http.Request) (id envelope.ID, n int64, body []byte, err error) {
	if id, n, err = named(r); err == nil {
		body, err = small(w, r)
	}
	return id, n, body, err
}

// receipted serves an object that the desk signs for: its receipt goes back, with the
// proof that the object stands in the log.
func (s *Server) receipted(keep func(desk.Caller, envelope.ID, int64, []byte) ([]byte, int64, error)) func(http.ResponseWriter, *http.Request, desk.Caller) error {
	return func(w http.ResponseWriter, r *http.Request, who desk.Caller) error {
		id, n, body, err := sent(w, r)
		if err != nil {
			return err
		}
		receipt, leaf, err := keep(who, id, n, body)
		if err != nil {
			return err
		}
		kept(w, body)
		return s.sendLeaf(w, r, id, leaf, receipt)
	}
}

// keptHeader says of which bytes a success is, so that a "yes" from something
// on the way which never read them is not taken for the desk's.
const keptHeader = "Unbindd-Kept"

func kept(w http.ResponseWriter, body []byte) { // of what came, without white space around it
	w.Header().Set(keptHeader, string(envelope.DigestOf(body)))
}

func (s *Server) enrol(w http.ResponseWriter, r *http.Request) error {
	return s.answer(w, r, s.Desk.Enrol)
}

func (s *Server) time(w http.ResponseWriter, r *http.Request) error {
	return s.answer(w, r, s.Desk.Time)
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, ask func([]byte) ([]byte, error)) error {
	body, err := small(w, r)
	if err != nil {
		return err
	}
	answer, err := ask(body)
	if err != nil {
		return err
	}
	send(w, http.StatusOK, answer)
	return nil
}

func (s *Server) tombstone(w http.ResponseWriter, r *http.Request) error {
	id, err := desk.Name("case", r.PathValue("case"))
	if err != nil {
		return err
	}
	body, err := small(w, r)
	if err != nil {
		return err
	}
	receipt, leaf, err := s.Desk.Tombstone(id, body)
	if err != nil {
		return err
	}
	kept(w, body)
	return s.sendLeaf(w, r, id, leaf, receipt)
}

func (s *Server) bundle(w http.ResponseWriter, r *http.Request) error {
	n, err := numberOf(r.PathValue("n"))
	if err != nil {
		return err
	}
	body, err := s.Desk.Bundle(n)
	if err != nil {
		return err
	}
	send(w, http.StatusOK, body)
	return nil
}

func (s *Server) tickets(w http.ResponseWriter, _ *http.Request, who desk.Caller) error {
	if !who.Signer {
		return refuseClient()
	}
	wanted, err := s.Desk.Wanted()
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, wanted)
	return nil
}

func (s *Server) fetch(w http.ResponseWriter, r *http.Request, who desk.Caller) error {
	return s.read(w, r, who, r.PathValue("kind"))
}

func (s *Server) fetchReceipt(w http.ResponseWriter, r *http.Request, who desk.Caller) error {
	return s.read(w, r, who, "receipts/"+r.PathValue("kind"))
}

func (s *Server) read(w http.ResponseWriter, r *http.Request, who desk.Caller, kind string) error {
	id, n, err := named(r)
	if err != nil {
		return err
	}
	body, err := s.Desk.Fetch(who, id, kind, n)
	if err != nil {
		return err
	}
	if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.Limits.Answer)); err != nil {
		return err
	}
	of, ok := strings.CutPrefix(kind, "receipts/")
	if kind == "receipt" { // the backup's, as the links call it
		of, ok = "backup", true
	}
	if ok {
		return s.sendReceipt(w, r, who, id, of, n, body)
	}
	send(w, http.StatusOK, body)
	return nil
}

func (s *Server) nowhere(w http.ResponseWriter, r *http.Request) {
	s.tell(w, r, errors.Join(desk.ErrAbsent, envelope.Refuse("E28", "route", "cannot find it: there is no such route")))
}
