package serve

import (
	"net/http"

	"unbindd/cmd/unbind-desk/internal/desk"
)

func (s *Server) cases(w http.ResponseWriter, r *http.Request) error {
	asked := r.URL.Query()
	found, err := s.Desk.Cases(desk.Query{State: asked.Get("state"), Terminal: asked.Get("terminal"), After: asked.Get("after")}, desk.CasesPage)
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, found)
	return nil
}

func (s *Server) overdue(w http.ResponseWriter, r *http.Request) error {
	hours, err := countOf("hours", r.PathValue("hours"))
	if err != nil {
		return err
	}
	late, err := s.Desk.Overdue(hours, r.URL.Query().Get("after"))
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, late)
	return nil
}

func (s *Server) alarms(w http.ResponseWriter, r *http.Request) error {
	list, err := s.Desk.Alarms(r.URL.Query().Get("kind"), r.URL.Query().Get("about"))
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, list)
	return nil
}

func (s *Server) settle(w http.ResponseWriter, r *http.Request) error {
	var word desk.Settlement
	if err := ask(w, r, &word); err != nil {
		return err
	}
	a, err := s.Desk.Settle(word)
	if err != nil {
		return err
	}
	s.Log.Warn().Str("kind", a.Kind).Str("about", a.About).Str("by", word.By).Str("why", word.Why).Msg("an alarm was settled")
	reply(w, http.StatusOK, a)
	return nil
}

func (s *Server) clock(w http.ResponseWriter, _ *http.Request) error {
	c, err := s.Desk.ClockNow()
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, c)
	return nil
}

// believeClock takes a person's word for the clock, who read it as it is named.
func (s *Server) believeClock(w http.ResponseWriter, r *http.Request) error {
	var read struct {
		Now int64 `json:"now"`
	}
	if err := ask(w, r, &read); err != nil {
		return err
	}
	c, err := s.Desk.BelieveClock(read.Now)
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, c)
	return nil
}

func (s *Server) caps(w http.ResponseWriter, _ *http.Request) error {
	c, err := s.Desk.CapsInForce()
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, c)
	return nil
}

func (s *Server) setCaps(w http.ResponseWriter, r *http.Request) error {
	var c desk.Caps
	if err := ask(w, r, &c); err != nil {
		return err
	}
	if err := s.Desk.SetCaps(c); err != nil {
		return err
	}
	s.Log.Warn().Int64("signer", c.Signer).Int64("day", c.Day).Msg("the caps were set")
	reply(w, http.StatusOK, c)
	return nil
}
