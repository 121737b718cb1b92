package serve

import (
	"net/http"

	"unbindd/cmd/unbind-desk/internal/desk"
)

// Operators are the routes of the socket. Who may open the socket may do all of
// them: its directory and its mode are the lock.
func (s *Server) Operators() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /desk/address", s.anyone(s.address))
	mux.HandleFunc("POST /desk/console", s.anyone(s.invite))
	mux.HandleFunc("GET /desk/vitals", s.anyone(s.vitals))
	mux.HandleFunc("POST /desk/admit", s.anyone(s.admit))
	mux.HandleFunc("POST /desk/issue", s.anyone(s.issue))
	mux.HandleFunc("POST /desk/follow", s.anyone(s.follow))
	mux.HandleFunc("POST /desk/publish", s.anyone(s.publish))
	mux.HandleFunc("POST /desk/campaign", s.anyone(s.campaign))
	mux.HandleFunc("POST /desk/collect", s.anyone(s.collect))
	mux.HandleFunc("GET /desk/cases/{case}/draft", s.anyone(s.draft))
	mux.HandleFunc("POST /desk/cases/{case}/withdraw", s.anyone(s.withdraw))
	mux.HandleFunc("GET /desk/overdue/{hours}", s.anyone(s.overdue))
	mux.HandleFunc("GET /desk/alarms", s.anyone(s.alarms))
	mux.HandleFunc("GET /desk/caps", s.anyone(s.caps))
	mux.HandleFunc("PUT /desk/caps", s.anyone(s.setCaps))
	mux.HandleFunc("GET /desk/trust", s.anyone(s.steps))
	mux.HandleFunc("GET /desk/cases", s.anyone(s.cases))
	mux.HandleFunc("GET /desk/cases/{case}", s.anyone(s.inspect))
	mux.HandleFunc("GET /desk/cases/{case}/export", s.anyone(s.export))
	mux.HandleFunc("/", s.nowhere)
	return plain(mux)
}

// Address is how terminals reach the desk.
type Address struct {
	URL string `json:"url"`
}

func (s *Server) address(w http.ResponseWriter, _ *http.Request) error {
	reply(w, http.StatusOK, Address{URL: string(s.Desk.URL)})
	return nil
}

func (s *Server) admit(w http.ResponseWriter, r *http.Request) error {
	var a desk.Admission
	if err := ask(w, r, &a); err != nil {
		return err
	}
	ticket, err := s.Desk.Admit(a)
	if err != nil {
		return err
	}
	send(w, http.StatusOK, ticket)
	return nil
}

func (s *Server) issue(w http.ResponseWriter, r *http.Request) error {
	var wish desk.Wish
	if err := ask(w, r, &wish); err != nil {
		return err
	}
	draft, err := s.Desk.Issue(wish)
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, draft)
	return nil
}

func (s *Server) follow(w http.ResponseWriter, r *http.Request) error {
	var f desk.Follow
	if err := ask(w, r, &f); err != nil {
		return err
	}
	draft, err := s.Desk.Follow(f)
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, draft)
	return nil
}

// asSeen hands a file to a change of a case that was seen in one version.
func asSeen[T any](w http.ResponseWriter, r *http.Request, change func([]byte, int64) (T, error)) error {
	body, err := small(w, r)
	if err != nil {
		return err
	}
	seen, err := seenVersion(r.Header.Get("If-Match"))
	if err != nil {
		return err
	}
	done, err := change(body, seen)
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, done)
	return nil
}

func (s *Server) publish(w http.ResponseWriter, r *http.Request) error {
	return asSeen(w, r, s.Desk.Publish)
}

func (s *Server) campaign(w http.ResponseWriter, r *http.Request) error {
	body, err := sized(w, r, maxWave)
	if err != nil {
		return err
	}
	var wave desk.Wave
	if err := decode(body, &wave); err != nil {
		return err
	}
	done, err := s.Desk.PublishCampaign(wave)
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, done)
	return nil
}

func (s *Server) collect(w http.ResponseWriter, r *http.Request) error {
	return asSeen(w, r, s.Desk.Collect)
}

func (s *Server) draft(w http.ResponseWriter, r *http.Request) error {
	d, err := s.Desk.Draft(r.PathValue("case"))
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, d)
	return nil
}

func (s *Server) withdraw(w http.ResponseWriter, r *http.Request) error {
	seen, err := seenVersion(r.Header.Get("If-Match"))
	if err != nil {
		return err
	}
	done, err := s.Desk.Withdraw(r.PathValue("case"), seen)
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, done)
	return nil
}

func (s *Server) inspect(w http.ResponseWriter, r *http.Request) error {
	whole, err := s.Desk.Inspect(r.PathValue("case"))
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, whole)
	return nil
}

func ask(w http.ResponseWriter, r *http.Request, v any) error {
	body, err := small(w, r)
	if err != nil {
		return err
	}
	return decode(body, v)
}
