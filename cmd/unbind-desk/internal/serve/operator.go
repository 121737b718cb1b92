package serve

import (
	"net/http"

	"unbindd/cmd/unbind-desk/internal/desk"
)

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
